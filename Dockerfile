# syntax=docker/dockerfile:1
# The service with its model inside, as an ordinary user. The root file system may be read-only:
# what is written (feedback, predictions) goes to ENDWATCH_DATABASE_URL, by default in the volume /data.
# Large bodies of requests pass through /tmp: docker run --read-only --tmpfs /tmp --volume endwatch:/data ...
# Everything installed is pinned by hash. What is in the image is told by /opt/endwatch/sbom.cdx.json.
# Name the base by its digest to pin that too: --build-arg BASE=python:3.11-slim@sha256:...
# pip's own settings (an index, a certificate) come as a secret: --secret id=pip,src=pip.conf
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
# The lock of torch; one of CPU wheels is written by `UV_TORCH_BACKEND=cpu python tools/lock.py requirements-torch.lock`.
ARG TORCH=requirements-torch.lock
ENV PIP_CONFIG_FILE=/run/secrets/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_QUIET=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/endwatch
COPY requirements-image.lock ${TORCH} ./
RUN --mount=type=secret,id=pip /opt/build/bin/pip --python /opt/endwatch/bin/python install \
    --no-deps --require-hashes -r requirements-image.lock -r ${TORCH}
COPY requirements-build.lock ./
RUN --mount=type=secret,id=pip /opt/build/bin/pip install --no-deps --require-hashes -r requirements-build.lock
COPY . .
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /opt/wheels . \
    && /opt/build/bin/pip --python /opt/endwatch/bin/python install --no-index --no-deps /opt/wheels/*.whl \
    && /opt/build/bin/python tools/sbom.py --dpkg /var/lib/dpkg/status /opt/endwatch/bin/python /opt/endwatch/sbom.cdx.json

FROM ${BASE}
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin endwatch && install -d -o endwatch -m 700 /data
COPY --from=build /opt/endwatch /opt/endwatch
ENV PATH=/opt/endwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    ENDWATCH_HOST=0.0.0.0 \
    ENDWATCH_PORT=8000 \
    ENDWATCH_DATABASE_URL=sqlite:////data/endwatch.sqlite
WORKDIR /data
USER 10001
VOLUME /data
EXPOSE 8000
# Python as process 1 does not hear SIGTERM; SIGINT ends the server in order.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"ENDWATCH_PORT\"]}/ready', timeout=4)"]
ENTRYPOINT ["endwatch"]
CMD ["serve"]
