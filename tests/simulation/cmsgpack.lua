-- MessagePack as the library `cmsgpack` in Redis' Lua does it: the binary type is unknown, whole numbers go as integers,
-- an empty table is an array, tables nest sixteen deep. `unpack` returns every value that is in the text, `unpack_limit` so
-- many from an offset on, and before them where the next begins (-1 at the end). A number that is not whole is an error
-- here: money has none.
local byte, char, sub, floor = string.byte, string.char, string.sub, math.floor
local DEPTH_MAX = 16

local function big_endian(number, bytes)
  local out = {}
  for n = bytes, 1, -1 do
    out[n] = char(number % 256)
    number = floor(number / 256)
  end
  return table.concat(out)
end

local function pack_integer(number)
  if number >= 0 then
    if number < 128 then return char(number) end
    if number < 256 then return char(204, number) end
    if number < 65536 then return char(205) .. big_endian(number, 2) end
    if number < 4294967296 then return char(206) .. big_endian(number, 4) end
    return char(207) .. big_endian(number, 8)
  end
  if number >= -32 then return char(256 + number) end
  if number >= -128 then return char(208, 256 + number) end
  if number >= -32768 then return char(209) .. big_endian(65536 + number, 2) end
  if number >= -2147483648 then return char(210) .. big_endian(4294967296 + number, 4) end
  -- 2 ^ 64 + number is not exact: complement the two halves.
  local low = number % 4294967296
  return char(211) .. big_endian(4294967296 + (number - low) / 4294967296, 4) .. big_endian(low, 4)
end

local function pack_text(text)
  local length = #text
  if length < 32 then return char(160 + length) .. text end
  if length < 256 then return char(217, length) .. text end
  if length < 65536 then return char(218) .. big_endian(length, 2) .. text end
  return char(219) .. big_endian(length, 4) .. text
end

local pack_into

local function pack_table(out, value, depth)
  if depth >= DEPTH_MAX then
    out[#out + 1] = char(192)
    return
  end
  local count, highest, is_array = 0, 0, true
  for key in pairs(value) do
    count = count + 1
    if type(key) == 'number' and key > 0 and floor(key) == key then
      highest = math.max(highest, key)
    else
      is_array = false
    end
  end
  if is_array and highest == count then
    out[#out + 1] = count < 16 and char(144 + count) or count < 65536 and char(220) .. big_endian(count, 2)
      or char(221) .. big_endian(count, 4)
    for n = 1, count do
      pack_into(out, value[n], depth + 1)
    end
  else
    out[#out + 1] = count < 16 and char(128 + count) or count < 65536 and char(222) .. big_endian(count, 2)
      or char(223) .. big_endian(count, 4)
    for key, item in pairs(value) do
      pack_into(out, key, depth + 1)
      pack_into(out, item, depth + 1)
    end
  end
end

function pack_into(out, value, depth)
  local kind = type(value)
  if kind == 'number' then
    if floor(value) ~= value or math.abs(value) > 2 ^ 53 then error('no whole number below 2^53: ' .. value) end
    out[#out + 1] = pack_integer(value)
  elseif kind == 'string' then
    out[#out + 1] = pack_text(value)
  elseif kind == 'boolean' then
    out[#out + 1] = char(value and 195 or 194)
  elseif kind == 'table' then
    pack_table(out, value, depth)
  else
    out[#out + 1] = char(192)
  end
end

local function number_at(text, at, bytes)
  local number = 0
  for n = at, at + bytes - 1 do
    local one = byte(text, n)
    if not one then error('Missing bytes in input.') end
    number = number * 256 + one
  end
  return number
end

local function signed_at(text, at, bytes)
  local first = byte(text, at)
  if not first then error('Missing bytes in input.') end
  if first < 128 then return number_at(text, at, bytes) end
  local number = 0
  for n = at, at + bytes - 1 do
    number = number * 256 + (255 - byte(text, n))
  end
  return -number - 1
end

local unpack_at

local function text_at(text, at, length)
  if at + length - 1 > #text then error('Missing bytes in input.') end
  return sub(text, at, at + length - 1), at + length
end

local function array_at(text, at, length)
  local out = {}
  for n = 1, length do
    out[n], at = unpack_at(text, at)
  end
  return out, at
end

local function map_at(text, at, length)
  local out, key = {}, nil
  for _ = 1, length do
    key, at = unpack_at(text, at)
    out[key], at = unpack_at(text, at)
  end
  return out, at
end

function unpack_at(text, at)
  local code = byte(text, at)
  if not code then error('Missing bytes in input.') end
  at = at + 1
  if code < 128 then return code, at end
  if code < 144 then return map_at(text, at, code - 128) end
  if code < 160 then return array_at(text, at, code - 144) end
  if code < 192 then return text_at(text, at, code - 160) end
  if code >= 224 then return code - 256, at end
  if code == 192 then return nil, at end
  if code == 194 then return false, at end
  if code == 195 then return true, at end
  if code >= 204 and code <= 207 then
    local bytes = 2 ^ (code - 204)
    return number_at(text, at, bytes), at + bytes
  end
  if code >= 208 and code <= 211 then
    local bytes = 2 ^ (code - 208)
    return signed_at(text, at, bytes), at + bytes
  end
  if code >= 217 and code <= 219 then
    local bytes = 2 ^ (code - 217)
    return text_at(text, at + bytes, number_at(text, at, bytes))
  end
  if code == 220 then return array_at(text, at + 2, number_at(text, at, 2)) end
  if code == 221 then return array_at(text, at + 4, number_at(text, at, 4)) end
  if code == 222 then return map_at(text, at + 2, number_at(text, at, 2)) end
  if code == 223 then return map_at(text, at + 4, number_at(text, at, 4)) end
  error('Bad data format in input.')
end

cmsgpack = {}

function cmsgpack.pack(...)
  local out = {}
  for n = 1, select('#', ...) do
    pack_into(out, (select(n, ...)), 0)
  end
  return table.concat(out)
end

function cmsgpack.unpack(text)
  local values, count, at = {}, 0, 1
  while at <= #text do
    count = count + 1
    values[count], at = unpack_at(text, at)
  end
  return unpack(values, 1, count)
end

function cmsgpack.unpack_limit(text, limit, offset)
  local values, count, at = {}, 0, offset + 1
  while at <= #text and count < limit do
    count = count + 1
    values[count], at = unpack_at(text, at)
  end
  return at > #text and -1 or at - 1, unpack(values, 1, count)
end
