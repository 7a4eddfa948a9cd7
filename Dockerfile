# One image for every role: `retention worker`, `retention api`, ... Its packages are those of requirements-image.lock, by hash. The
# base is pinned by tag; pin its digest where you build: docker buildx imagetools inspect python:3.13.15-slim-trixie
FROM python:3.13.15-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/retention
WORKDIR /build
# Packages change seldom and the code often, so they are layers of their own.
COPY requirements-image.lock ./
RUN /opt/retention/bin/python -m pip install --require-hashes -r requirements-image.lock
COPY LICENSE README.md pyproject.toml ./
COPY stream stream
COPY consumers consumers
RUN /opt/retention/bin/python -m pip install --no-deps --no-build-isolation . \
    && /opt/retention/bin/python -m pip uninstall --quiet --yes setuptools pip \
    && find /opt/retention -depth -type d -name tests -path '*/site-packages/*' -exec rm -rf {} + \
    && /opt/retention/bin/python -m compileall -q /opt/retention/lib

FROM python:3.13.15-slim-trixie

COPY --from=build /opt/retention /opt/retention
# The root of the container may be read-only, so nothing is compiled at run time; every role listens for other containers.
ENV PATH=/opt/retention/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RETENTION_HTTP_HOST=0.0.0.0
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["retention"]
CMD ["--help"]
