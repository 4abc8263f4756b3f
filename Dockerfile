# One image for every process: `metering` is its entry point, the command says which.
FROM python:3.13-slim AS build

ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && pip install --no-cache-dir uv==0.13.9
WORKDIR /app
# Dependencies first: they change less often than the code, and the layer is kept.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY metering metering
COPY rates rates
# Compiled steps, and then away with what builds them.
RUN uv sync --frozen --no-dev --no-editable --group native \
    && .venv/bin/python -P -m metering.native.build \
    && uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim

RUN useradd --system --uid 10001 --no-create-home metering
COPY --from=build /app/.venv /app/.venv
# Without compiled steps worker and checkpointer would do the same, at twice the CPU, and nobody would notice.
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 METERING_NATIVE=required
# Settings of a container come from its environment; nothing is read from, or written to, the image.
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["metering"]
CMD ["--help"]
