# `base` is a named context: the baked desktop, or the base image pinned by digest.
FROM base

RUN --mount=type=bind,source=preflight.sh,target=/tmp/preflight.sh \
    "$(command -v bash || command -v sh)" /tmp/preflight.sh
