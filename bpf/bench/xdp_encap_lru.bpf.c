// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "xdp.h"
#include "lru_flow.h"
#define NAME(name) xdp_lru_##name
#include "encap.h"
