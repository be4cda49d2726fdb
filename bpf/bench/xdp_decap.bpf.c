// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "xdp.h"
#define NAME(name) xdp_##name
#include "decap.h"
