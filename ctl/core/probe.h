/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What musterd and muster-prober say to each other, and the outcomes of probes. Both ends are built
 * from this header; a frame is one message of a SOCK_SEQPACKET socketpair, in host byte order.
 * musterd trusts nothing in a frame from the prober: probe_frame_check() first.
 */
#ifndef MUSTER_CORE_PROBE_H
#define MUSTER_CORE_PROBE_H

#include "core/model.h"

#define PROBE_VERSION	   1
#define PROBE_DETAIL_MAX   128
#define PROBE_HEARTBEAT_MS 1000
#define PROBE_DEAD_MS	   3000 /* no heartbeat for so long: killed and started again */
#define PROBE_SOCKET_FD	   3	/* the prober finds its end of the socketpair here */
/*
 * A shared page of 4 bytes: the prober stores the id of the target it works on before it touches what
 * that target sent, and 0 after. If it crashes, musterd knows whose data it was.
 */
#define PROBE_WORKING_FD   4

/*
 *	O(name, strength, text)
 *
 * strength: PASS; HARD, the backend cannot take a connection; SOFT, counted towards `fall`; LOCAL,
 * our own trouble, never counted.
 */
/* clang-format off */
#define PROBE_OUTCOMES(O) \
	O(pass,          PASS,  "passed") \
	O(refused,       HARD,  "connection refused") \
	O(reset,         SOFT,  "connection reset") \
	O(closed,        SOFT,  "connection closed before the answer") \
	O(connect_timeout, SOFT, "no connection within the timeout") \
	O(answer_timeout, SOFT, "no answer within the timeout") \
	O(unreachable,   SOFT,  "host or network unreachable, said a router") \
	O(bad_status,    SOFT,  "unexpected status") \
	O(bad_body,      SOFT,  "the expected text is not in the answer") \
	O(bad_protocol,  SOFT,  "the answer is not of the protocol") \
	O(local_error,   LOCAL, "could not probe (no local resources, route or permission)") \
	O(tether_off,    LOCAL, "the server closes idle connections: tether off for this backend")
/* clang-format on */

enum probe_strength { PROBE_PASS, PROBE_HARD, PROBE_SOFT, PROBE_LOCAL };

enum probe_outcome {
#define O(name, strength, text) OUTCOME_##name,
	PROBE_OUTCOMES(O)
#undef O
		OUTCOME_MAX,
};

const char *probe_outcome_name(enum probe_outcome outcome); /* "bad_status" */
const char *probe_outcome_text(enum probe_outcome outcome);
enum probe_strength probe_outcome_strength(enum probe_outcome outcome);

/* All of a check that the prober needs. Strings are terminated; empty: not given. */
struct probe_spec {
	struct muster_addr addr;
	__be16 port;
	uint8_t type;					      /* enum check_type */
	uint8_t tether;					      /* enum check_tether */
	uint32_t interval, fast, down, timeout, fast_timeout; /* milliseconds */
	uint16_t rise, fall;
	uint16_t n_status;
	uint8_t hard_refused; /* ECONNREFUSED is hard evidence: it is the backend's own port */
	uint8_t pad;
	struct status_range status[MODEL_STATUS_RANGES];
	char host[MODEL_CHECK_HOST_MAX + 1];
	char path[MODEL_CHECK_PATH_MAX + 1];
	char body[MODEL_CHECK_BODY_MAX + 1];
};

enum probe_frame_type {
	PROBE_FRAME_ADD,       /* musterd: probe this target from now on (or replace its spec) */
	PROBE_FRAME_DELETE,    /* musterd: forget it */
	PROBE_FRAME_RECHECK,   /* musterd: probe it now */
	PROBE_FRAME_RESULT,    /* prober */
	PROBE_FRAME_HEARTBEAT, /* prober, every PROBE_HEARTBEAT_MS; target_id: number of targets */
	PROBE_FRAME_MAX,
};

struct probe_header {
	uint8_t version; /* PROBE_VERSION */
	uint8_t type;	 /* enum probe_frame_type */
	uint16_t pad;
	uint32_t target_id;  /* never used again for another target */
	uint32_t config_seq; /* of the spec the result belongs to; a stale one is dropped */
	uint32_t pad2;
};

struct probe_add {
	struct probe_header header;
	struct probe_spec spec;
};

struct probe_result {
	struct probe_header header;
	uint64_t probe_seq;    /* grows by at least one per target */
	uint64_t monotonic_ns; /* CLOCK_MONOTONIC when the outcome was known */
	uint64_t cause_ns;     /* when the connection ended that caused this probe; 0: scheduled */
	uint32_t latency_us;   /* from the start of the probe */
	int32_t error;	       /* errno, HTTP status for bad_status, or 0 */
	uint16_t outcome;      /* enum probe_outcome */
	uint16_t tethered;     /* 1: a tether is held now */
	uint32_t pad;
	char detail[PROBE_DETAIL_MAX];
};

/* The largest message either side sends. */
union probe_frame {
	struct probe_header header;
	struct probe_add add;
	struct probe_result result;
};

/*
 * Is the message of @n bytes at @frame what the prober may send? Terminates and cleans the detail of
 * printable ASCII. 0, or -EPROTO (version, type, length or enum out of range).
 */
int probe_frame_check(union probe_frame *frame, size_t n);

/* Fills @ret from a check of the backend at @addr, @port (network byte order). */
void probe_spec_init(struct probe_spec *ret, const struct check *check,
	const struct muster_addr *addr, __be16 port);

#endif
