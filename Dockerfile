# One image for every process of Holdfast; the command says which. It holds no secret and no data.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
COPY requirements-prod.txt ./
# An index of one's own: `docker build --secret id=pip,src=pip.conf .`
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --require-hashes \
        --disable-pip-version-check -r requirements-prod.txt
COPY . .
# What the settings insist on is not used for this, and is gone afterwards.
RUN SECRET_KEY=unused DATABASE_URL=postgres://unused@unused/unused \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q api backend deploy tasks
# Nobody reads these: the files were collected, and Holdfast speaks one language.
RUN rm -r /venv/lib/python3*/site-packages/drf_spectacular_sidecar/static \
    && find /venv -name '*.[mp]o' -delete

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Holdfast" \
    org.opencontainers.image.description="A booking backend that never sells a slot twice" \
    org.opencontainers.image.licenses="MIT"
# Python's images come without its library compiled, and nothing could keep what is compiled later:
# each start and each health check would do it again.
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin holdfast \
    && python -m compileall -q -x '/(test|idlelib|site-packages)/' /usr/local/lib/python3*
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
# The file system may be read-only: /tmp is all that is written to.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HEARTBEAT_DIR=/tmp \
    METRICS_DIR=/tmp/metrics \
    HOST=0.0.0.0 \
    PORT=8000 \
    WEB_GRACEFUL_SECONDS=25
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=120s --start-interval=5s \
    CMD ["python", "deploy/healthy.py", "web"]
CMD ["python", "-m", "backend.web"]
