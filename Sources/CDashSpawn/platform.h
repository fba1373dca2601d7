// What differs between Linux and macOS; everything else in this folder is the same on both.
#ifndef PLATFORM_H
#define PLATFORM_H

#include <spawn.h>
#include <sys/types.h>

int platform_socket_pair(int ends[2]);
int platform_pipe(int ends[2]);
// Makes the child start without any descriptors from `first` on, as far as the system can.
int platform_close_from(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int first, short *flags);
// Asks for `signal` when the parent (the thread that started this process) ends. No-op where there is no such thing.
int platform_parent_death_signal(int signal);

#endif
