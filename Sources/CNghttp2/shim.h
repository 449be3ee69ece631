#pragma once
// First, so that the C library's feature macros are the same as in Swift's Glibc module.
#include <features.h>

#include <nghttp2/nghttp2.h>
