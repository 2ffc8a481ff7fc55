"""Boots Debian's kernels in qemu: packages by `fetch`, initramfs by `initramfs`, scripts in vm/.

Emulated (TCG), so that no KVM is needed: correctness does not ask for speed, and what is measured there is
told as ratios only.
"""
import os
import pathlib
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("MUSTER_BUILD", "build")
STORE = BUILD / "kernels"

# cx16 is off because qemu 7.2 now and then loses the flags of cmpxchg16b; Linux 6.5 and newer allocate
# memory with it where the CPU has it, and die of that in a double fault.
MACHINE = ["-machine", "q35", "-cpu", "max,-cx16", "-m", "1024", "-nodefaults", "-display", "none",
           "-monitor", "none", "-no-reboot", "-device", "virtio-rng-pci"]
TWO_CPUS = ["-accel", "tcg,thread=multi", "-smp", "2"]
# Time that goes by instructions, 2 ns each, and not at all while nothing runs: what else the machine does
# has no influence on what is measured in it.
COUNTED = ["-accel", "tcg,thread=single", "-smp", "1", "-icount", "shift=1,sleep=off"]
CMDLINE = "console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off net.ifnames=0"


class Kernel:
    """One of Debian's kernels: here, or lacking for a reason."""

    def __init__(self, name, release="", version="", lack=""):
        self.name, self.release, self.version, self.lack = name, release, version, lack
        self.dir = STORE / release
        self.log = STORE / f"{name}.log"

    def __str__(self):
        return f"{self.release} ({self.version})"

    def boot(self, script, timeout, devices):
        """Runs vm/<script>.sh in it; the lines of the console, and whether it came to its end in time."""
        initrd = STORE / f"{self.name}.initrd"
        parts = [STORE / "programs.cpio", self._modules()]
        initrd.write_bytes(b"".join(part.read_bytes() for part in parts))
        argv = ["qemu-system-x86_64", *MACHINE, *devices, "-serial", f"file:{self.log}",
                "-kernel", self.dir / "vmlinuz", "-initrd", initrd, "-append", f"{CMDLINE} muster={script}"]
        started = time.monotonic()
        try:
            result = subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True, timeout=timeout)
            error = result.stderr if result.returncode else ""
        except subprocess.TimeoutExpired:
            error = f"not done within {timeout} s"
        finally:
            initrd.unlink()
        return Console(self.log, time.monotonic() - started, error)

    def _modules(self):
        archive = self.dir / "modules.cpio"
        script = HERE / "initramfs"
        if not archive.exists() or archive.stat().st_mtime < script.stat().st_mtime:
            subprocess.run([script, "modules", self.dir, archive], check=True)
        return archive


class Console:
    """What a kernel and the script in it said."""

    def __init__(self, path, seconds, error):
        text = path.read_text(errors="replace") if path.exists() else ""
        self.path, self.seconds, self.error = path, seconds, error
        self.lines = text.replace("\r", "").splitlines()
        self.passed = [line[3:] for line in self.lines if line.startswith("ok ")]
        self.failed = [line[7:] for line in self.lines if line.startswith("not ok ")]

    @property
    def well(self):
        return not self.error and not self.failed and "vm: exit 0" in self.lines

    def autopsy(self, n=60):
        """What a person needs who looks for the reason: the end, what failed, where the rest is."""
        cause = self.error.strip() or ("" if self.failed else "the kernel died or the script failed")
        return "\n".join([*self.lines[-n:], *(f"  not ok {name}" for name in self.failed),
                          *([f"  {cause}"] if cause else []), f"  whole console: {self.path}"])


def fetch(names=()):
    """The kernels of Debian, downloaded and unpacked if they are not here yet."""
    names = list(names) or os.environ.get("KERNELS", "").split()
    STORE.mkdir(parents=True, exist_ok=True)
    result = subprocess.run([HERE / "fetch", *names], stdout=subprocess.PIPE, text=True, check=True)
    kernels = []
    for line in result.stdout.splitlines():
        verdict, name, rest = line.split(" ", 2)
        kernels.append(Kernel(name, *rest.split()) if verdict == "have" else Kernel(name, lack=rest))
    return kernels


def available():
    """Those that can be had; the others are reported as skipped."""
    found = fetch()
    for kernel in found:
        if kernel.lack:
            print(f"  skipped: kernel {kernel.name}: {kernel.lack}", flush=True)
    return [kernel for kernel in found if not kernel.lack]


def prepare():
    """The archive of programs, the same for each kernel."""
    STORE.mkdir(parents=True, exist_ok=True)
    subprocess.run([HERE / "initramfs", "programs", STORE / "programs.cpio"], check=True)
