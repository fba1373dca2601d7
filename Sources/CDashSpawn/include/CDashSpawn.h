// What Swift's Glibc and Darwin modules do not offer for starting and keeping child processes.
// All functions that can fail return 0 or an errno value, unless they say otherwise.
#ifndef CDASHSPAWN_H
#define CDASHSPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ---- the role of this process (role.c) --------------------------------------------------------------------------

// A process that was started by dash_spawn() with a role finds it in the environment variable DASH_SPAWN_ROLE. It is
// taken out of the environment before main(), so that programs started by this process do not think it is theirs.

// "worker", "server" or whatever the starter chose; NULL in a process that was started in any other way.
const char *_Nullable dash_spawn_role(void);
// The descriptor of the channel to the starter (close-on-exec), or -1.
int dash_spawn_channel(void);
// Makes this process kill its whole process group when its starter dies. For processes that lead their own group.
// Done already before main() in a process with the role "worker".
int dash_die_with_parent(pid_t parent);

// ---- starting a process (spawn.c) -------------------------------------------------------------------------------

typedef struct {
    const char *_Nonnull path;
    char *_Nullable const *_Nonnull arguments;   // ends with NULL
    char *_Nullable const *_Nonnull environment; // ends with NULL
    const char *_Nullable role;                  // NULL: none
    int output;                                  // becomes descriptors 1 and 2; -1: those of this process
    int channel;                                 // becomes descriptor 3; -1: none
    bool own_group;                              // leads a process group of its own, a worker also a session
    bool null_input;                             // descriptor 0 is /dev/null, else that of this process
} dash_spawn_request;

// Starts a process with default signal handlers and no descriptors but 0...3. A file that cannot be run is an error
// here, not an exit of the child.
int dash_spawn(const dash_spawn_request *_Nonnull request, pid_t *_Nonnull pid);

// The environment of this process, ends with NULL.
char *_Nullable *_Nonnull dash_environment(void);

// Waits until a child has ended, but leaves it as a zombie: its pid and its group stay reserved.
int dash_wait_ended(pid_t pid);
// Takes the ended child away. `signal` is 0 after an ordinary exit.
int dash_reap(pid_t pid, int *_Nonnull signal, int *_Nonnull exit_code);

// ---- descriptors and threads (descriptors.c, thread.c) ----------------------------------------------------------

// Both ends close-on-exec, numbers from 10 upwards.
int dash_socket_pair(int ends[_Nonnull 2]);
int dash_pipe(int ends[_Nonnull 2]);
void dash_set_nonblocking(int descriptor);
// Reads what there is of `descriptor`; waits for it, or for `stop` to be closed at its other end. Returns the number of
// bytes, 0 at the end of the file, -1 when `stop` ended the wait and nothing is left to read, -2 at an error.
ssize_t dash_read_until_stopped(int descriptor, int stop, void *_Nonnull buffer, size_t size);
// Waits until there is something, and reads what there is: the number of bytes, 0 at the end of the file, -1 at an error.
ssize_t dash_read_some(int descriptor, void *_Nonnull buffer, size_t size);
// Reads or writes all of it, however many calls it takes. false at the end of the file or an error.
bool dash_read_all(int descriptor, void *_Nonnull buffer, size_t size);
bool dash_write_all(int descriptor, const void *_Nonnull buffer, size_t size);

// Starts a detached thread with a stack of that size and an alternate stack for signal handlers, so that even an
// overflow of the stack is reported.
int dash_start_thread(size_t stack, void (*_Nonnull body)(void *_Nonnull), void *_Nonnull argument);
// Writes out what stdio holds back.
void dash_flush_output(void);
// Ends this process and all others of its group and of its session, if it leads one, at once. Not for signal handlers.
void dash_kill_own_family(void);
// Says that a thread waits for the end of the channel: it ends the whole family, so the signal of the parent's death,
// whose handler can do less, is left alone from now on.
void dash_channel_is_watched(void);

// ---- families (family.c) ------------------------------------------------------------------------------------------

// Kills all processes of a session but its leader and this one. The leader must not have been reaped yet. On macOS it does
// nothing.
void dash_kill_session(pid_t session);

// ---- the executable (platform.c) ---------------------------------------------------------------------------------

int dash_own_executable(char *_Nonnull path, size_t size);
long dash_processor_count(void);
// The linker's build id of the executable: the number of bytes, 0 if there is none.
size_t dash_build_id(uint8_t *_Nullable bytes, size_t capacity);
int dash_file_identity(const char *_Nonnull path, int64_t *_Nonnull size, int64_t *_Nonnull nanoseconds);
// The name of a signal with its "SIG", or NULL.
const char *_Nullable dash_signal_name(int signal);

#endif
