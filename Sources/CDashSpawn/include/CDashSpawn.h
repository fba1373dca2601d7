// Starts and manages child processes, where Swift's Glibc and Darwin modules do not suffice.
// Functions that can fail return 0 or an errno value, unless documented otherwise.
#ifndef CDASHSPAWN_H
#define CDASHSPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ---- the role of this process (role.c) --------------------------------------------------------------------------

// A process started by dash_spawn() with a role has it in the environment variable DASH_SPAWN_ROLE, which is removed
// before main(), so that child processes do not inherit it.

// The role, for example "worker" or "server"; NULL in a process that was started in any other way.
const char *_Nullable dash_spawn_role(void);
// The descriptor of the channel to the starter (close-on-exec), or -1.
int dash_spawn_channel(void);
// Makes this process kill its process group when its parent dies. For processes that lead their own group. Called
// before main() in a process with the role "worker".
int dash_die_with_parent(pid_t parent);

// ---- starting a process (spawn.c) -------------------------------------------------------------------------------

typedef struct {
    const char *_Nonnull path;
    char *_Nullable const *_Nonnull arguments;   // ends with NULL
    char *_Nullable const *_Nonnull environment; // ends with NULL
    const char *_Nullable role;                  // NULL: none
    int output;                                  // becomes descriptors 1 and 2; -1: inherited
    int channel;                                 // becomes descriptor 3; -1: none
    bool own_group;                              // leads its own process group; a worker also its own session
    bool null_input;                             // descriptor 0 is /dev/null, else inherited
} dash_spawn_request;

// Starts a process with default signal handlers and only the descriptors 0...3. Returns an error if the file cannot be
// executed.
int dash_spawn(const dash_spawn_request *_Nonnull request, pid_t *_Nonnull pid);

// The environment of this process, ends with NULL.
char *_Nullable *_Nonnull dash_environment(void);

// Waits until a child has ended, but leaves it as a zombie: its pid and group stay reserved.
int dash_wait_ended(pid_t pid);
// Reaps the ended child. `signal` is 0 after a regular exit.
int dash_reap(pid_t pid, int *_Nonnull signal, int *_Nonnull exit_code);

// ---- descriptors and threads (descriptors.c, thread.c) ----------------------------------------------------------

// Creates two close-on-exec descriptors with numbers from 10.
int dash_socket_pair(int ends[_Nonnull 2]);
int dash_pipe(int ends[_Nonnull 2]);
void dash_set_nonblocking(int descriptor);
// Reads available data from `descriptor`; waits for data, or for the peer to close `stop`. Returns the number of bytes,
// 0 at end of file, -1 if `stop` was closed and no data is left, -2 on error.
ssize_t dash_read_until_stopped(int descriptor, int stop, void *_Nonnull buffer, size_t size);
// Waits for data and reads what is available: the number of bytes, 0 at end of file, -1 on error.
ssize_t dash_read_some(int descriptor, void *_Nonnull buffer, size_t size);
// Reads or writes the whole buffer, in several calls if necessary. false at end of file or on error.
bool dash_read_all(int descriptor, void *_Nonnull buffer, size_t size);
bool dash_write_all(int descriptor, const void *_Nonnull buffer, size_t size);

// Starts a detached thread with a stack of that size and an alternate signal stack, so that a stack overflow is
// reported.
int dash_start_thread(size_t stack, void (*_Nonnull body)(void *_Nonnull), void *_Nonnull argument);
// Flushes all stdio streams.
void dash_flush_output(void);
// Kills this process, its group, and its session if it leads one. Not async-signal-safe.
void dash_kill_own_family(void);
// Declares that a thread watches the channel and kills the family when it closes. The parent death signal, whose
// handler can do less, is ignored from now on.
void dash_channel_is_watched(void);

// ---- families (family.c) ------------------------------------------------------------------------------------------

// Kills all processes of a session except its leader and this process. The leader must not be reaped yet. No-op on
// macOS.
void dash_kill_session(pid_t session);

// ---- the executable (platform.c) ---------------------------------------------------------------------------------

int dash_own_executable(char *_Nonnull path, size_t size);
long dash_processor_count(void);
// The linker's build id of the executable: its length in bytes, 0 if there is none.
size_t dash_build_id(uint8_t *_Nullable bytes, size_t capacity);
int dash_file_identity(const char *_Nonnull path, int64_t *_Nonnull size, int64_t *_Nonnull nanoseconds);
// The name of a signal, for example "SIGTERM", or NULL.
const char *_Nullable dash_signal_name(int signal);

#endif
