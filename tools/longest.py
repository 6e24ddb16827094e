"""Prints the ten longest functions and files: lengths are guides, so nothing fails here, but nobody can say they
did not see it. Guides: a function 50 lines, a file 400, a line 110.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOTS = ("src", "bench", "tools")
FUNCTION_LINES, FILE_LINES, LINE_CHARS = 50, 400, 110


def functions(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """(length in lines, where and what) of every function of a file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1, f"{path}:{node.lineno} {node.name}"


def show(title: str, rows: list[tuple[int, str]], guide: int) -> None:
    print(f"\n{title} (guide {guide}; {sum(n > guide for n, _ in rows)} beyond it)")
    for n, what in sorted(rows, reverse=True)[:10]:
        print(f"  {n:5d} {'!' if n > guide else ' '} {what}")


def main() -> None:
    texts = {
        path: path.read_text(encoding="utf-8") for root in ROOTS for path in sorted(Path(root).rglob("*.py"))
    }
    show(
        "Longest functions",
        [f for path, text in texts.items() for f in functions(path, text)],
        FUNCTION_LINES,
    )
    show("Longest files", [(text.count("\n"), str(path)) for path, text in texts.items()], FILE_LINES)
    long = sum(len(line) > LINE_CHARS for text in texts.values() for line in text.splitlines())
    print(f"\nLines beyond {LINE_CHARS} characters: {long}")


if __name__ == "__main__":
    main()
