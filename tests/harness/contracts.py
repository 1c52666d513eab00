"""Import Linter's contract for a package that may import only what a list names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph


class AllowListContract(Contract):
    """A package imports only itself and the packages of a list, even from the standard library."""

    package = fields.StringField()
    allowed = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look for all other imports, including those for type checkers."""
        package = str(self.package)
        allowed = {str(name) for name in self.allowed}  # type: ignore[attr-defined]
        broken = sorted(
            f"{importer} imports {imported}"
            for importer in (package, *graph.find_descendants(package))
            for imported in graph.find_modules_directly_imported_by(importer)
            if imported.split(".")[0] not in allowed and imported != package and not imported.startswith(f"{package}.")
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each of these imports."""
        for line in check.metadata["broken"]:
            output.print_error(line)
