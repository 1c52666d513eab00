# A real browser for tests, from the packages of the base (Debian): nothing of it is installed on the machine.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get -q update && apt-get -q install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
    chromium chromium-driver fonts-dejavu-core
