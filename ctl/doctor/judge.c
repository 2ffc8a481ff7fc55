/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/judge.h"

void judge_kernel(const struct kernel_facts *facts, struct findings *findings)
{
	unsigned version = facts->major * 1000 + facts->minor;

	if (version < 5015)
		findings_add(findings, DOCTOR_ID_kernel_old, facts->release,
			"the program does not load on Linux before 5.15");
	else if (version < 5018)
		findings_add(findings, DOCTOR_ID_kernel_no_frags, facts->release,
			"no frames in pieces: an MTU of 3498 at most");
	else
		findings_ok(findings, "kernel", facts->release,
			"has all that muster uses, jumbo frames included");
	if (!facts->jit)
		findings_add(findings, DOCTOR_ID_kernel_no_jit, "bpf_jit_enable",
			"BPF programs are interpreted: several times slower");
	else if (facts->jit > 0)
		findings_ok(findings, "kernel_jit", "bpf_jit_enable", "programs are compiled");
	if (facts->bpffs)
		findings_ok(findings, "kernel_bpffs", facts->pin_dir, "is on a BPF file system");
	else
		findings_add(findings, DOCTOR_ID_kernel_no_bpffs, facts->pin_dir,
			"no BPF file system: nothing can outlive musterd");
}

static void judge_offloads(const struct nic_facts *facts, struct findings *findings)
{
	bool generic = facts->mode && !strcmp(facts->mode, "generic");

	if (facts->lro == 1)
		findings_add(findings, DOCTOR_ID_nic_lro, facts->name,
			"LRO merges frames before XDP sees them: larger than the path, and not "
			"what was "
			"sent");
	if (generic && facts->gro == 1)
		findings_add(findings, DOCTOR_ID_nic_gro_generic, facts->name,
			"in generic mode GRO merges frames before XDP sees them: senders are told "
			"that "
			"their packets are too big");
	if (facts->rx_vlan == 1)
		findings_add(findings, DOCTOR_ID_nic_vlan_offload, facts->name,
			"VLAN tags are taken off before XDP: it would answer without them");
	if (!strcmp(facts->driver, "veth") && facts->tx_checksum == 1)
		findings_add(findings, DOCTOR_ID_nic_partial_checksums, facts->name,
			"a veth with transmit checksum offload: packets that are redirected keep "
			"half-made checksums");
}

void judge_nic(const struct nic_facts *facts, struct findings *findings)
{
	size_t before = findings->n;

	if (!facts->there) {
		findings_add(
			findings, DOCTOR_ID_nic_missing, facts->name, "there is no such interface");
		return;
	}
	if (!facts->up)
		findings_add(findings, DOCTOR_ID_nic_down, facts->name, "the link is down");
	if (facts->mode && !strcmp(facts->mode, "detached"))
		findings_add(findings, DOCTOR_ID_nic_detached, facts->name, "not attached: %s",
			facts->note ? facts->note : "no reason is known");
	if (facts->mode && !strcmp(facts->mode, "generic"))
		findings_add(findings, DOCTOR_ID_nic_generic, facts->name,
			"driver %s runs XDP in generic mode: after the kernel made a packet of "
			"each "
			"frame, several times slower",
			*facts->driver ? facts->driver : "?");
	judge_offloads(facts, findings);
	if (facts->rp_filter == 1)
		findings_add(findings, DOCTOR_ID_nic_rp_filter, facts->name,
			"strict rp_filter: packets that are not for a VIP are dropped where the "
			"way "
			"back is another; VIP traffic does not come that far");
	if (findings->n == before)
		findings_ok(findings, "nic", facts->name,
			"driver %s, %s, MTU %d, offloads as they should be",
			*facts->driver ? facts->driver : "?",
			facts->mode ? facts->mode : "not asked", facts->mtu);
}

/* An answer to an echo request proves way, decapsulation and the VIP on the backend at once. */
static void judge_probe(
	const struct reach_facts *facts, const char *what, struct findings *findings)
{
	if (!facts->has_source)
		findings_add(findings, DOCTOR_ID_backend_no_source, facts->backend,
			"%s (%s): no address here that it could answer", facts->vip, what);
	else if (!facts->reached)
		findings_add(findings, DOCTOR_ID_backend_silent, facts->backend,
			"does not answer an echo to %s sent by %s", facts->vip, what);
	else if (facts->reached < facts->wanted)
		findings_add(findings, DOCTOR_ID_backend_mtu, facts->backend,
			"%s (%s): packets of %u to %u bytes are lost without a word", facts->vip,
			what, facts->reached + 1, facts->wanted);
	else
		findings_ok(findings, "backend", facts->backend,
			"answers for %s by %s, packets up to %u bytes", facts->vip, what,
			facts->wanted);
}

void judge_reach(const struct reach_facts *facts, struct findings *findings)
{
	if (strcmp(facts->path, "ok")) {
		findings_add(findings, DOCTOR_ID_backend_no_path, facts->backend, "no path: %s",
			facts->path);
		return;
	}
	if (!facts->dev_attached)
		findings_add(findings, DOCTOR_ID_backend_other_nic, facts->backend,
			"packets leave by %s, where muster is not attached: its driver may drop "
			"what is "
			"redirected to it",
			facts->dev);
	if (facts->probed)
		judge_probe(facts, facts->mode, findings);
}
