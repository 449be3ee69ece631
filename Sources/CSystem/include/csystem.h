#pragma once
// System calls that Swift's Glibc module does not show: GNU extensions and headers it leaves out.
// No system header is included here: its declarations would then belong to this module instead of Glibc.

/// accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC: the connection is ready for the loop in one call.
/// `peer` is room for a struct sockaddr of `length` bytes, a socklen_t that is set to what was written.
int csystem_accept(int listener, void *peer, unsigned *length);

/// eventfd(2), non-blocking and close-on-exec.
int csystem_eventfd(void);

/// How many processors this process may run on: sched_getaffinity(2), CPU_COUNT(3).
int csystem_usable_processors(void);

/// pthread_setname_np(3) on the calling thread; at most 15 characters.
void csystem_name_thread(const char *name);

/// unshare(2) with CLONE_FILES: from now on the calling thread has a descriptor table, and thus a limit of open
/// descriptors, of its own, which begins as a copy of the one it shared. Zero, or -1 and errno.
int csystem_own_descriptors(void);

/// malloc_trim(3): gives the kernel back what was freed and lies between what is in use.
void csystem_trim_memory(void);
