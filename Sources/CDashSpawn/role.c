// Removes the starter's marker from the environment before main() and stores it.
#include "CDashSpawn.h"
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char role[32];
static int channel = -1;

const char *dash_spawn_role(void) { return role[0] ? role : NULL; }
int dash_spawn_channel(void) { return channel; }
static volatile sig_atomic_t channel_is_watched = 0;

void dash_channel_is_watched(void) { channel_is_watched = 1; }

void dash_kill_own_family(void) {
    if (getsid(0) == getpid()) dash_kill_session(getpid());
    kill(0, SIGKILL);
}

static void on_parent_death(int signal) {
    (void)signal;
    if (!channel_is_watched) kill(0, SIGKILL);
}

static void do_nothing(int signal) { (void)signal; }

static void handle(int signal, void (*handler)(int)) {
    struct sigaction action = {0};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, NULL);
}

int dash_die_with_parent(pid_t parent) {
    handle(SIGHUP, on_parent_death);
    int failed = platform_parent_death_signal(SIGHUP);
    if (getppid() != parent) kill(0, SIGKILL); // The parent died before the request.
    return failed;
}

// Only the parent ends a worker, whatever signals a terminal or service manager sends to all processes. A handler
// instead of SIG_IGN, so that programs started by a job have the default actions.
static void leave_the_end_to_the_parent(void) {
    handle(SIGINT, do_nothing);
    handle(SIGTERM, do_nothing);
    handle(SIGPIPE, do_nothing);
}

static bool is_socket(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

// The marker is "<role>:<channel>:<parent>".
__attribute__((constructor)) static void take_marker(void) {
    const char *marker = getenv("DASH_SPAWN_ROLE");
    char name[sizeof role];
    int descriptor = -1, parent = 0;
    bool known = marker && sscanf(marker, "%31[a-z]:%d:%d", name, &descriptor, &parent) == 3;
    unsetenv("DASH_SPAWN_ROLE");
    if (!known) return;
    if (descriptor >= 0) {
        if (!is_socket(descriptor)) return;
        fcntl(descriptor, F_SETFD, FD_CLOEXEC); // Otherwise child processes would hold the channel open.
    }
    bool worker = strcmp(name, "worker") == 0;
    if (worker && getpgrp() != getpid()) return; // Killing its group would kill unrelated processes.
    memcpy(role, name, sizeof role);
    channel = descriptor;
    setvbuf(stdout, NULL, _IOLBF, 0); // A pipe is fully buffered, and output would be lost when the process is killed.
    if (!worker) return;
    leave_the_end_to_the_parent();
    dash_die_with_parent(parent);
}
