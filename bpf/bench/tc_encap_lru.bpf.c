// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "tc.h"
#include "lru_flow.h"
#define NAME(name) tc_lru_##name
#include "encap.h"
