# One image for every process: `metering` is its entry point, the command says which.
FROM python:3.13-slim AS build

ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
# Dependencies first: they change less often than the code, and the layer is kept.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY metering metering
COPY rates rates
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim

RUN useradd --system --uid 10001 --no-create-home metering
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
# Settings of a container come from its environment; nothing is read from, or written to, the image.
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["metering"]
CMD ["--help"]
