// The differences between Linux and macOS; the other files here are common.
#ifndef PLATFORM_H
#define PLATFORM_H

#include <spawn.h>
#include <sys/types.h>

int platform_socket_pair(int ends[2]);
int platform_pipe(int ends[2]);
// Starts the child without descriptors from `first` on, as far as the system supports it.
int platform_close_from(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int first, short *flags);
// Requests `signal` when the parent (the thread that started this process) ends. No-op where unsupported.
int platform_parent_death_signal(int signal);

#endif
