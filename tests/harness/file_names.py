"""Names of files outside a configuration's folder."""

from __future__ import annotations

SECRET = "FROM base\nRUN echo c2VjcmV0\n"
OUTSIDE = ["{away}/secret", "../away/secret", "sub/../own.sh", "link", "folder/secret", "sub/linked"]
