"""The virtio NICs of the kernel under test and the qemu hubs that join them: the wires of vm/virtio.sh."""

# Interfaces are named by the order of the PCI slots: row n is ethN. Hub 0 is the clients' network, hub 1
# another one behind the balancer.
HUBS = [0, 0, 0, 0, 1, 1]


def devices():
    """qemu's arguments. A hub floods and offers no offloads, so virtio-net has nothing that XDP forbids."""
    arguments = []
    for n, hub in enumerate(HUBS):
        arguments += ["-netdev", f"hubport,id=n{n},hubid={hub}",
                      "-device", f"virtio-net-pci,netdev=n{n},mac=52:54:00:00:00:{n:02x}"]
    return arguments
