/* SPDX-License-Identifier: BSD-2-Clause */
/* Each finding has facts that make it, a level, and a cure that one can act on. */
#include "doctor/judge.h"
#include "tests/unit/core/unit.h"

static bool has(const struct findings *findings, const char *id)
{
	for (size_t i = 0; i < findings->n; i++)
		if (!strcmp(findings->rows[i].id, id))
			return true;
	return false;
}

static void only(struct findings *findings, const char *id)
{
	if (findings->n != 1 || strcmp(findings->rows[0].id, id))
		fail_msg("%zu findings, the first is %s, not %s", findings->n,
			findings->n ? findings->rows[0].id : "none", id);
	assert_non_null(findings->rows[0].text);
	findings_clear(findings);
}

static void kernels(void **state)
{
	static const struct {
		unsigned major, minor;
		int jit;
		bool bpffs;
		const char *id;
		enum doctor_level worst;
	} rows[] = {
		{6, 1, 1, true, "kernel", DOCTOR_OK},
		{6, 1, -1, true, "kernel", DOCTOR_OK},
		{5, 18, 1, true, "kernel", DOCTOR_OK},
		{5, 17, 1, true, "kernel_no_frags", DOCTOR_NOTE},
		{5, 15, 1, true, "kernel_no_frags", DOCTOR_NOTE},
		{5, 14, 1, true, "kernel_old", DOCTOR_FAILED},
		{4, 19, 1, true, "kernel_old", DOCTOR_FAILED},
		{6, 1, 0, true, "kernel_no_jit", DOCTOR_WARNING},
		{6, 1, 1, false, "kernel_no_bpffs", DOCTOR_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_clear) struct findings findings = {};
		struct kernel_facts facts = {.release = "6.1.0",
			.major = rows[i].major,
			.minor = rows[i].minor,
			.jit = rows[i].jit,
			.bpffs = rows[i].bpffs,
			.pin_dir = "/sys/fs/bpf/muster"};

		judge_kernel(&facts, &findings);
		assert_true(has(&findings, rows[i].id));
		assert_int_equal(findings_worst(&findings), rows[i].worst);
	}
}

static struct nic_facts good_nic(void)
{
	return (struct nic_facts){.name = "eth0",
		.there = true,
		.up = true,
		.driver = "mlx5_core",
		.mode = "native",
		.lro = 0,
		.gro = 1,
		.rx_vlan = 0,
		.tx_checksum = 1,
		.mtu = 1500};
}

#define NIC(change, id)                            \
	do {                                       \
		struct nic_facts nic = good_nic(); \
                                                   \
		change;                            \
		judge_nic(&nic, &findings);        \
		only(&findings, id);               \
	} while (0)

static void nics(void **state)
{
	struct findings findings = {};

	(void)state;
	NIC((void)nic, "nic");
	NIC(nic.mode = NULL, "nic");
	NIC((nic.lro = nic.gro = nic.rx_vlan = nic.tx_checksum = -1), "nic");
	NIC(nic.there = false, "nic_missing");
	NIC(nic.up = false, "nic_down");
	NIC(nic.mode = "detached", "nic_detached");
	NIC((nic.mode = "generic", nic.gro = 0), "nic_generic");
	NIC(nic.lro = 1, "nic_lro");
	NIC(nic.rx_vlan = 1, "nic_vlan_offload");
	NIC(strcpy(nic.driver, "veth"), "nic_partial_checksums");
	NIC(nic.rp_filter = 1, "nic_rp_filter");
	NIC(nic.rp_filter = 2, "nic");
}

static void generic_gro(void **state)
{
	_cleanup_(findings_clear) struct findings findings = {};
	struct nic_facts nic = good_nic();

	(void)state;
	nic.mode = "generic";
	judge_nic(&nic, &findings);
	assert_true(has(&findings, "nic_gro_generic"));
	assert_string_equal(findings.rows[1].cure, "ethtool -K eth0 gro off");
}

static struct reach_facts good_reach(void)
{
	return (struct reach_facts){.backend = "web/b1",
		.vip = "198.18.0.1",
		.mode = "ipip",
		.path = "ok",
		.dev = "eth0",
		.dev_attached = true,
		.probed = true,
		.has_source = true,
		.wanted = 1480,
		.reached = 1480};
}

#define REACH(change, id)                                \
	do {                                             \
		struct reach_facts reach = good_reach(); \
                                                         \
		change;                                  \
		judge_reach(&reach, &findings);          \
		only(&findings, id);                     \
	} while (0)

static void reaches(void **state)
{
	struct findings findings = {};

	(void)state;
	REACH((void)reach, "backend");
	REACH(reach.path = "no_neighbour", "backend_no_path");
	REACH((reach.dev_attached = false, reach.probed = false), "backend_other_nic");
	REACH(reach.reached = 0, "backend_silent");
	REACH(reach.reached = 1380, "backend_mtu");
	REACH(reach.has_source = false, "backend_no_source");
}

/* With a hole for the subject in none but where it makes sense. */
static void cures(void **state)
{
	(void)state;
	for (enum doctor_id id = 0; id < DOCTOR_IDS; id++) {
		_cleanup_(findings_clear) struct findings findings = {};

		findings_add(&findings, id, "eth0", "%s", "found");
		assert_int_equal(findings.n, 1);
		assert_string_equal(findings.rows[0].id, doctor_id_name(id));
		assert_true(strlen(findings.rows[0].cure) > 10);
		assert_null(strchr(findings.rows[0].cure, '%'));
		assert_int_not_equal(findings.rows[0].level, DOCTOR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels),
		cmocka_unit_test(nics),
		cmocka_unit_test(generic_gro),
		cmocka_unit_test(reaches),
		cmocka_unit_test(cures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
