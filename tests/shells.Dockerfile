# The shells that a Debian base does not have, of its packages and no more of them than these tests need.
ARG BASE
FROM ${BASE}
WORKDIR /tmp/packages
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get -q update && apt-get -q download zsh zsh-common fish fish-common libpcre2-32-0 \
    && dpkg --force-depends --force-unsafe-io -i ./*.deb && rm ./*.deb
