"""`python -m docs.generate`: bring every made part of every page up to date, and say which pages that changed."""

from docs.generate.parts import pages, renewed

if __name__ == "__main__":
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"written: {page}")
