"""The check as Markdown."""

from typing import Any

from tools.benchmark import step
from tools.report.tables import markdown_table


def facts(values: dict[str, Any]) -> list[str]:
    """One line for every plain value."""
    plain = {name: value for name, value in values.items() if not isinstance(value, (dict, list))}
    return [f"* {name.replace('_', ' ')}: {value}" for name, value in plain.items()]


def milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def benchmark_lines(results: dict[str, Any]) -> list[str]:
    """The rows of the operator benchmark."""
    rows = []
    for row in results.get("rows", []):
        times, peer, classic = row["milliseconds"], row["best_peer"], row["classic_ratio"]
        rows.append(
            (
                row["title"],
                milliseconds(times["recon_ops"]),
                milliseconds(times.get("classic CUDA")),
                f"{classic:.1f} x" if classic else "-",
                peer or "-",
                milliseconds(times.get(peer)),
                f"{row['ratio']:.1f} x" if row["ratio"] else "-",
                f"{100 * row['share_of_limit']:.0f} % {row['limit']}",
            )
        )
    header = ("operator", "ours, ms", "classic, ms", "ratio", "best peer", "its ms", "ratio", "of limit")
    return [f"* peers: {', '.join(results['peers']) or 'none'}", "", markdown_table([header, *rows])] if rows else []


def steps_lines(results: dict[str, Any]) -> list[str]:
    """Step times by task and precision."""
    rows, notes = [], []
    for task, runs in results.items():
        if not isinstance(runs, dict):
            continue
        notes.append(f"* {task}: {runs['what']}; {runs['steps']} steps after {runs['warm_up']} of warm-up")
        for precision, run in ((name, run) for name, run in runs.items() if isinstance(run, dict)):
            state = run["tf32"]
            rows.append(
                (
                    task,
                    precision,
                    run["batch_size"],
                    f"{run['median_step_ms']:.1f}",
                    f"{run['samples_per_second']:.1f}",
                    run["peak_memory_mib"] or "-",
                    f"{run['losses'][0]:.4f} to {run['losses'][-1]:.4f}",
                    f"{'on' if state['matmul_tf32'] else 'off'}, {'on' if state['cudnn_tf32'] else 'off'}",
                )
            )
    header = ("task", "precision", "batch", "step, ms", "samples/s", "peak MiB", "loss", "TF32 matmul, cuDNN")
    return [*notes, "", markdown_table([header, *rows])] if rows else []


def step_lines(results: dict[str, Any]) -> list[str]:
    """The table of the step benchmark."""
    return ["", step.report(results["rows"])] if "rows" in results else []


LINES = {"benchmark": benchmark_lines, "steps": steps_lines, "step": step_lines}


def markdown(content: dict[str, Any]) -> str:
    """The content of the JSON file for people."""
    machine = content["machine"]
    where = machine.get("gpu") or machine["processor"]
    lines = [f"# GPU check: {where}, {content['date'][:10]}", ""]
    if content["small"] or content["device"] == "cpu":
        lines += ["A trial of the check itself: its times and ratios say nothing about a GPU.", ""]
    lines += [f"* {name}: {value}" for name, value in machine.items()]
    lines += [f"* git: {content['git']}", f"* seconds: {content['seconds']}"]
    lines += [f"* versions: {', '.join(f'{name} {value}' for name, value in content['versions'].items())}", ""]
    rows = [
        (name, one["title"], one["status"], one["seconds"], one["limit"]) for name, one in content["sections"].items()
    ]
    lines.append(markdown_table([("section", "what", "status", "seconds", "limit, s"), *rows]))
    for name, one in content["sections"].items():
        lines += ["", f"## {name}: {one['status']}", ""]
        if one["error"]:
            lines += ["```", one["error"], *one["log"], "```", ""]
        lines += [*facts(one["results"]), *LINES.get(name, lambda _: [])(one["results"])]
        lines += [f"* failed: {test}" for test in one["results"].get("names_failed", [])]
    return "\n".join(lines) + "\n"
