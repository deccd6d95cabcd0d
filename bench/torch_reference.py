#!/usr/bin/env python3
"""EfficientNet-B0 in PyTorch: the same work as `tuningfork bench models` and `bench train`, to be run beside them.

1000 classes, images NHWC in memory (channels_last), cross entropy against labels of full weight, Adam (lr 1e-3), batch norm by
the batch's own statistics; no dropout, no stochastic depth. A run includes the upload of its images and ends when its result
has been read back. Prints one JSON object, or a line for each precision.

    python3 bench/torch_reference.py --work train --batch 128
    python3 bench/torch_reference.py --work forward --batch 8 --precision f32,autocast --json

Needs torch and torchvision. Precisions: f32 (products in float32 proper), tf32 (what PyTorch's convolutions take on recent NVIDIA
GPUs when nothing is said), autocast (float16 where autocast allows, loss scaled; bfloat16 on a CPU).
"""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
    import torchvision
except ImportError as error:
    sys.exit(f"torch_reference: {error}; install torch and torchvision first")


def network(device):
    """EfficientNet-B0 with 5,288,548 weights and nothing random in its forward pass."""
    model = torchvision.models.efficientnet_b0(num_classes=1000)
    # Not by arguments: old versions of torchvision do not take them.
    for module in model.modules():
        if isinstance(module, (torch.nn.Dropout, torchvision.ops.StochasticDepth)):
            module.p = 0.0
    return model.to(device=device, memory_format=torch.channels_last)


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def runner(work, model, images, labels, device, autocast):
    """A function that does the work once and returns its result on the CPU."""
    kind = torch.float16 if device.type == "cuda" else torch.bfloat16

    def forward():
        x = images.to(device, non_blocking=True).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=kind, enabled=autocast):
            return model(x)

    if work == "forward":
        model.eval()

        def run():
            with torch.no_grad():
                return forward().float().cpu()

        return run

    model.train()
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scaler = torch.cuda.amp.GradScaler(enabled=autocast and device.type == "cuda")

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(forward().float(), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.detach().cpu()

    return run


def measure(options, precision, device):
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    images = torch.rand(options.batch, 3, options.size, options.size).to(memory_format=torch.channels_last)
    labels = (torch.arange(options.batch) % 1000).to(device)
    run = runner(options.work, network(device), images, labels, device, precision == "autocast")
    run()
    wait(device)
    first = time.perf_counter() - start
    run()
    times = []
    for _ in range(options.repeats):
        wait(device)
        before = time.perf_counter()
        result = run()
        wait(device)
        times.append(1000 * (time.perf_counter() - before))
    if not torch.isfinite(result).all():
        sys.exit(f"torch_reference: {precision} gave a result that is not finite")
    return {
        "precision": precision,
        "run": {"median": statistics.median(times), "min": min(times), "max": max(times)},
        "msPerImage": statistics.median(times) / options.batch,
        "firstRun": 1000 * first,
        "gpuPeak": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", choices=["forward", "train"], default="train")
    parser.add_argument("--batch", type=int, default=4, help="images at once (4)")
    parser.add_argument("--size", type=int, default=224, help="height and width of the images (224)")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs, after two to warm up (5)")
    parser.add_argument("--precision", default="f32,tf32,autocast", help="which, with commas between")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    precisions = options.precision.split(",")
    for name in precisions:
        if name not in ("f32", "tf32", "autocast"):
            parser.error(f"{name} is no precision: f32, tf32 or autocast")
    if min(options.batch, options.size, options.repeats) < 1:
        parser.error("--batch, --size and --repeats must be at least 1")
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    results = [measure(options, precision, device) for precision in precisions]
    if options.json:
        about = {"engine": f"PyTorch {torch.__version__}", "adapter": name, "work": options.work, "batch": options.batch, "size": options.size}
        print(json.dumps({**about, "results": results}, indent=2))
        return
    print(f"EfficientNet-B0 {options.work}, batch {options.batch}, {options.size} x {options.size}, PyTorch {torch.__version__} on {name}")
    for r in results:
        print(f"{r['precision']:9} {r['run']['median']:9.2f} ms ({r['run']['min']:.2f} to {r['run']['max']:.2f}), {r['msPerImage']:.2f} ms/image")


if __name__ == "__main__":
    main()
