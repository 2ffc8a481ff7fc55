/* SPDX-License-Identifier: BSD-2-Clause */
/* What the generator's kernel program and its loader agree on. */
#ifndef MUSTER_TESTS_GENERATE_H
#define MUSTER_TESTS_GENERATE_H

#define GENERATE_BYTES	    60 /* Ethernet, IPv4, UDP, 18 bytes of payload */
#define GENERATE_SPORT	    34
#define GENERATE_FIRST_PORT 2048
#define GENERATE_FLOWS	    4096 /* a power of two */

#endif
