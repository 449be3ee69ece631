#include "csystem.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

int csystem_accept(int listener, void *peer, unsigned *length) {
  return accept4(listener, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int csystem_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int csystem_usable_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void csystem_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int csystem_own_descriptors(void) { return unshare(CLONE_FILES); }

void csystem_trim_memory(void) {
  malloc_trim(0);
}
