"""How fast the photo stages are, beside plain decoding of the same files in the same run.

    python bench/photo_steps.py [--photos N] [--repeat R] [--json] [--folder DIR]

Makes N camera-like 24-megapixel JPEGs (6000×4000, about 9 MB: scikit-image's photos enlarged, sharpened and
given shot noise), then measures with two worker processes: decoding at a quarter of the size and nothing else
(Pillow `draft`), and stages 2 to 6 (copy with hash and fsync, EXIF, working copy, hash, scores, model copy).
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STAGES = ("stage_files", "read_exif", "score", "resize_for_model")
WIDTH, HEIGHT = 6000, 4000
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina")
TARGET_RATIO, TARGET_SCALING = 0.5, 1.8


def main() -> int:
    """Make the photos, measure, print; status 1 when a target is missed."""
    options = _options()
    if options.worker:
        return _work(options.worker, [Path(p) for p in options.files], Path(options.folder))
    with tempfile.TemporaryDirectory(prefix="penstock-bench-", dir=options.folder) as folder:
        photos = make_photos(Path(folder) / "photos", options.photos)
        result = measure(photos, Path(folder), options.repeat)
    print(json.dumps(result, indent=2) if options.json else _table(result))
    return 0 if result["ratio"] >= TARGET_RATIO and result["scaling"] >= TARGET_SCALING else 1


def measure(photos: list[Path], folder: Path, repeat: int) -> dict[str, Any]:
    """The best of `repeat` interleaved rounds: images per second, ratio, scaling, memory, time per stage."""
    rounds: dict[str, list[dict[str, Any]]] = {"decode": [], "one": [], "two": []}
    for number in range(repeat):
        rounds["decode"].append(_run("decode", photos, 2, folder / f"d{number}"))
        rounds["two"].append(_run("stages", photos, 2, folder / f"t{number}"))
        rounds["one"].append(_run("stages", photos, 1, folder / f"o{number}"))
    best = {name: max(runs, key=lambda run: run["rate"]) for name, runs in rounds.items()}
    stage_cpu, decode_cpu = best["one"]["stage_cpu_ms"], best["decode"]["stage_cpu_ms"]["decode"]
    return {
        "photos": len(photos),
        "mean_mb": round(sum(p.stat().st_size for p in photos) / len(photos) / 1e6, 1),
        "decode_only_2p_per_s": round(best["decode"]["rate"], 2),
        "stages_1p_per_s": round(best["one"]["rate"], 2),
        "stages_2p_per_s": round(best["two"]["rate"], 2),
        "ratio": round(best["two"]["rate"] / best["decode"]["rate"], 3),
        "scaling": round(best["two"]["rate"] / best["one"]["rate"], 2),
        "rss_mb": max(run["rss_mb"] for run in rounds["two"] + rounds["one"]),
        "decode_cpu_ms": decode_cpu,
        "stages_cpu_ms": round(sum(stage_cpu.values()), 1),
        "cpu_ratio": round(decode_cpu / sum(stage_cpu.values()), 3),
        "stage_ms": best["one"]["stage_ms"],
        "stage_cpu_ms": stage_cpu,
    }


def make_photos(folder: Path, count: int) -> list[Path]:
    """Write `count` different camera-like JPEGs with EXIF."""
    folder.mkdir(parents=True)
    return [_photo(folder / f"IMG_{number:04d}.JPG", number) for number in range(count)]


def _photo(path: Path, number: int) -> Path:
    import numpy as np
    from PIL import Image, ImageFilter
    from skimage import data

    source = Image.fromarray(getattr(data, PHOTOS[number % len(PHOTOS)])()).convert("RGB")
    shift = 0.02 * (number // len(PHOTOS))
    box = tuple(part * side for part, side in zip((shift, shift, 1 - shift, 1 - shift), source.size * 2, strict=True))
    large = source.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=box)
    pixels = np.asarray(large.filter(ImageFilter.UnsharpMask(4, 120, 0)), dtype=np.float32)
    noise = np.random.default_rng(number)
    for strength in (0.55, 0.8, 1.1, 1.5, 2.0, 2.8, 4.0):
        grain = noise.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32)
        noisy = pixels + grain * np.sqrt(pixels + 8) * strength * 0.5
        out = io.BytesIO()
        picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        picture.save(out, "JPEG", quality=92, subsampling="4:2:2" if number % 2 else "4:2:0", exif=_exif(number))
        if out.tell() >= 8_000_000:
            break
    path.write_bytes(out.getvalue())
    return path


def _exif(number: int) -> bytes:
    from PIL import Image
    from PIL.TiffImagePlugin import IFDRational

    tags = Image.Exif()
    tags[0x010F], tags[0x0110], tags[0x0112] = "Canon", "Canon EOS R5", (1, 3, 6, 8)[number % 4]
    tags.get_ifd(0x8769).update(
        {
            0x9003: "2026:05:01 10:20:30",
            0x829A: IFDRational(1, 250),
            0x829D: IFDRational(28, 10),
            0x8827: 100,
            0x920A: IFDRational(50),
            0xA434: "RF50mm F1.8 STM",
            0x927C: b"maker" * 4000,
        }
    )
    return tags.tobytes()


def _run(kind: str, photos: list[Path], processes: int, folder: Path) -> dict[str, Any]:
    """Start the workers, let them go together, add up."""
    shares = [photos[index::processes] for index in range(processes)]
    workers = []
    for index, share in enumerate(shares):
        place = folder / str(index)
        place.mkdir(parents=True)
        command = [sys.executable, __file__, "--worker", kind, "--folder", str(place), *map(str, share)]
        workers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    for worker in workers:
        worker.stdout.readline()  # type: ignore[union-attr]  # it has imported what it needs
    start = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
    reports = [json.loads(worker.stdout.readline()) for worker in workers]  # type: ignore[union-attr]
    took = time.perf_counter() - start
    for worker in workers:
        worker.communicate()
    return {
        "rate": len(photos) / took,
        "rss_mb": max(report["rss_mb"] for report in reports),
        "stage_ms": reports[0]["stage_ms"],
        "stage_cpu_ms": reports[0]["stage_cpu_ms"],
    }


def _work(kind: str, photos: list[Path], folder: Path) -> int:
    """One worker process: wait for the start, do its photos, report."""
    wall: dict[str, float] = {}
    cpu: dict[str, float] = {}
    work = _decode if kind == "decode" else _stages
    work(photos[0], folder / "warm", {}, {})
    print("ready", flush=True)
    sys.stdin.readline()
    for photo in photos:
        work(photo, folder, wall, cpu)
    report = {
        "rss_mb": _peak_mb(),
        "stage_ms": {name: round(took * 1000 / len(photos), 1) for name, took in wall.items()},
        "stage_cpu_ms": {name: round(took * 1000 / len(photos), 1) for name, took in cpu.items()},
    }
    print(json.dumps(report), flush=True)
    return 0


def _peak_mb() -> int:
    """This process's own peak; getrusage would count what the parent held when it started us."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return round(int(lines["VmHWM"].split()[0]) / 1024)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _decode(photo: Path, folder: Path, wall: dict[str, float], cpu: dict[str, float]) -> None:
    from PIL import Image

    start, spent = time.perf_counter(), time.process_time()
    with Image.open(photo) as image:
        image.draft("RGB", (image.width // 4, image.height // 4))
        image.load()
    wall["decode"] = wall.get("decode", 0) + time.perf_counter() - start
    cpu["decode"] = cpu.get("decode", 0) + time.process_time() - spent


def _stages(photo: Path, folder: Path, wall: dict[str, float], cpu: dict[str, float]) -> None:
    from penstock.adapters.photo import child

    item: dict[str, Any] = {
        "id": photo.stem,
        "source_path": str(photo),
        "staged_path": str(folder / "incoming" / photo.name),
        "working_path": str(folder / "working" / f"{photo.stem}.jpg"),
        "ollama_path": str(folder / "ollama" / f"{photo.stem}.jpg"),
        "work_dir": str(folder / ".work"),
        "intake": "copy",
    }
    for stage in STAGES:
        start, spent = time.perf_counter(), time.process_time()
        outcome = child.run(stage, item, lambda text: None)
        for file in outcome.files:  # type: ignore[union-attr]
            Path(file.path).parent.mkdir(parents=True, exist_ok=True)
            Path(file.work).replace(file.path)
        item |= outcome.fields  # type: ignore[union-attr]
        wall[stage] = wall.get(stage, 0) + time.perf_counter() - start
        cpu[stage] = cpu.get(stage, 0) + time.process_time() - spent


def _table(result: dict[str, Any]) -> str:
    lines = [f"{result['photos']} photos of 6000×4000, {result['mean_mb']} MB on average"]
    lines += [f"  {name:<24}{result[name]:>8}" for name in result if name.endswith("per_s")]
    lines.append(f"  {'ratio':<24}{result['ratio']:>8}   target ≥ {TARGET_RATIO}")
    lines.append(f"  {'scaling 1→2 processes':<24}{result['scaling']:>8}   target ≥ {TARGET_SCALING}")
    lines.append(f"  {'ratio by CPU time':<24}{result['cpu_ratio']:>8}   (firm also on a busy machine)")
    lines.append(f"  {'peak memory, MB':<24}{result['rss_mb']:>8}")
    for stage, took in result["stage_ms"].items():
        lines.append(f"  {stage:<24}{took:>8} ms, of which {result['stage_cpu_ms'][stage]} ms CPU")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=24, help="how many photos")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the best one counts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--folder", default=None, help="where to work (on the disk to be measured)")
    parser.add_argument("--worker", choices=("decode", "stages"), help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
