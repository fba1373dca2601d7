// The RabbitMQ C client library (librabbitmq), version 0.11 or newer, and the few things of it that Swift cannot say.
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The library's login takes a variable number of arguments, which Swift cannot call. */
static inline amqp_rpc_reply_t dash_amqp_login(amqp_connection_state_t connection, const char *virtual_host,
                                               int heartbeat_seconds, const amqp_table_t *client_properties,
                                               const char *user, const char *password) {
    return amqp_login_with_properties(connection, virtual_host, 2047, AMQP_DEFAULT_FRAME_SIZE, heartbeat_seconds,
                                      client_properties, AMQP_SASL_METHOD_PLAIN, user, password);
}

/* A pipe whose ends do not block and are not inherited; -1 if the system has none left. */
static inline int dash_amqp_make_pipe(int ends[2]) {
    if (pipe(ends) != 0) return -1;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

/* Holds back (1) or lets go (0) packets that are not full, so that many small frames travel together. */
static inline void dash_amqp_cork(int socket, int on) {
#ifdef TCP_CORK
    setsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
#endif
}

