# syntax=docker/dockerfile:1
# The service with its model inside, as an ordinary user. The root file system may be read-only:
# what is written (feedback, audit) goes to ENDWATCH_DATABASE_URL, by default in the volume /data.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/endwatch
ENV PATH=/opt/endwatch/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements-torch.txt ./
RUN pip install --quiet -r requirements-torch.txt
COPY . .
RUN pip install --quiet --constraint requirements-torch.txt .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home endwatch && mkdir /data && chown endwatch /data
COPY --from=build /opt/endwatch /opt/endwatch
ENV PATH=/opt/endwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    ENDWATCH_HOST=0.0.0.0 \
    ENDWATCH_PORT=8000 \
    ENDWATCH_DATABASE_URL=sqlite:////data/endwatch.sqlite
USER endwatch
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
ENTRYPOINT ["endwatch"]
CMD ["serve"]
