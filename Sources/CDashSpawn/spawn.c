#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "CDashSpawn.h"
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

char **dash_environment(void) { return environ; }

static int set_descriptors(const dash_spawn_request *request, posix_spawn_file_actions_t *actions) {
    int failed = 0;
    if (request->null_input) failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
#if defined(__APPLE__)
    // On macOS all other descriptors are closed.
    else failed = posix_spawn_file_actions_addinherit_np(actions, 0);
    for (int i = 1; !failed && request->output < 0 && i < 3; i++)
        failed = posix_spawn_file_actions_addinherit_np(actions, i);
#endif
    for (int i = 1; !failed && request->output >= 0 && i < 3; i++)
        failed = posix_spawn_file_actions_adddup2(actions, request->output, i);
    if (!failed && request->channel >= 0) failed = posix_spawn_file_actions_adddup2(actions, request->channel, 3);
    return failed;
}

static int set_attributes(const dash_spawn_request *request, posix_spawnattr_t *attributes, short flags) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setsigmask(attributes, &none);
    flags |= POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    // A session is also a group; it identifies a worker's family even if members change their group.
    bool own_session = request->own_group && request->role && strcmp(request->role, "worker") == 0;
    if (own_session) flags |= POSIX_SPAWN_SETSID;
    else if (request->own_group) {
        posix_spawnattr_setpgroup(attributes, 0);
        flags |= POSIX_SPAWN_SETPGROUP;
    }
    return posix_spawnattr_setflags(attributes, flags);
}

// A copy of the environment with the marker for role.c. Only the array is allocated; free() it.
static char **with_marker(const dash_spawn_request *request, char *marker) {
    size_t count = 0;
    while (request->environment[count]) count++;
    char **environment = calloc(count + 2, sizeof *environment);
    if (!environment) return NULL;
    memcpy(environment, request->environment, count * sizeof *environment);
    if (request->role) environment[count] = marker;
    return environment;
}

int dash_spawn(const dash_spawn_request *request, pid_t *pid) {
    char marker[96];
    snprintf(marker, sizeof marker, "DASH_SPAWN_ROLE=%s:%d:%d", request->role ? request->role : "",
             request->channel >= 0 ? 3 : -1, (int)getpid());
    char **environment = with_marker(request, marker);
    if (!environment) return ENOMEM;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    short flags = 0;
    int failed = set_descriptors(request, &actions);
    if (!failed) failed = platform_close_from(&actions, &attributes, request->channel >= 0 ? 4 : 3, &flags);
    if (!failed) failed = set_attributes(request, &attributes, flags);
    if (!failed) failed = posix_spawn(pid, request->path, &actions, &attributes, request->arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(environment);
    return failed;
}

int dash_wait_ended(pid_t pid) {
    siginfo_t information;
    while (waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT) != 0)
        if (errno != EINTR) return errno;
    return 0;
}

int dash_reap(pid_t pid, int *signal, int *exit_code) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return errno;
    *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return 0;
}
