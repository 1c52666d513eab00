#!/bin/sh
# Run bash with these arguments. As in the recipe's steps, programs are found where distributions put them, whatever
# PATH the base has.
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
command -v bash >/dev/null ||
  { echo '[desktop] unsupported base: it has no bash; install it in the base' >&2; exit 1; }
exec bash "$@"
