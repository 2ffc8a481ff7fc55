/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts of this host, as the kernel tells them to anybody: /proc, ioctl. Never fails: what is not told stays unknown. */
#ifndef MUSTER_DOCTOR_GATHER_H
#define MUSTER_DOCTOR_GATHER_H

#include "doctor/judge.h"

void gather_kernel(const char *pin_dir, struct kernel_facts *ret);
/* Sets all but mode and note. */
void gather_nic(const char *name, struct nic_facts *ret);
/* 0 or -ENODEV. */
int gather_mac(const char *name, uint8_t mac[6]);
/* An address of @name of @vip's family that others can answer to, and no VIP if there is another; or -ENOENT. */
int gather_address(const char *name, const struct muster_addr *vip, struct muster_addr *ret);

#endif
