// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "tc.h"
#define NAME(name) tc_##name
#include "encap.h"
