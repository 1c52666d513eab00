# Starts the desktop while it is built, and hands out its picture. `desktop` is a named context: the baked target.
FROM desktop AS check

ARG DESKTOP_CHECK_TIMEOUT_S=30
RUN --network=none \
    --mount=type=bind,source=desktop_run.sh,target=/tmp/desktop_run.sh \
    --mount=type=bind,source=desktop_gate.py,target=/tmp/desktop_gate.py \
    --mount=type=bind,source=desktop_check.sh,target=/tmp/desktop_check.sh \
    ["/bin/sh", "-ec", "export PATH=\"${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"; \
    exec bash /tmp/desktop_check.sh /tmp/desktop_run.sh /tmp/desktop_gate.py /tmp/desktop-check.png"]

FROM scratch
COPY --from=check /tmp/desktop-check.png /desktop.png
