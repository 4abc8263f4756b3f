-- Before the books are built again.

-- name: is_empty
-- Whether nothing has been written yet: every flush moves a position.
SELECT NOT EXISTS (SELECT FROM positions) AND NOT EXISTS (SELECT FROM entries) AND NOT EXISTS (SELECT FROM customers)
    AND NOT EXISTS (SELECT FROM bucket_anchors);
