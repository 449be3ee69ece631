#pragma once
// First, so that the C library's feature macros are settled before libevent defines _GNU_SOURCE:
// otherwise this module and Glibc disagree about the layout of fd_set.
#include <features.h>

#include <event2/event.h>
