"""How do the dashboards become files? `make dashboards` writes grafana/dashboards/*.json and removes what no code makes."""

from pathlib import Path

from grafana.generate import generated

FOLDER = Path(__file__).parent / "dashboards"

if __name__ == "__main__":
    files = generated()
    for old in FOLDER.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)
