/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of muster-decap. */
#ifndef MUSTER_DECAP_ARGUMENTS_H
#define MUSTER_DECAP_ARGUMENTS_H

#include "dataplane/decap.h"

#define PIN_DIR "/sys/fs/bpf/muster-decap"

struct arguments {
	const char *iface;
	const char *pin, *unpin; /* directories */
	bool show, help;
	struct muster_addr addrs[DECAP_MAX];
	struct muster_decap_source sources[DECAP_SOURCES_MAX];
	struct decap_options options;
};

/* Words without the program's name. 0, or -EINVAL with a sentence in *ret_error. */
int arguments_parse(struct arguments *arguments, char **argv, int argc, char **ret_error);

#endif
