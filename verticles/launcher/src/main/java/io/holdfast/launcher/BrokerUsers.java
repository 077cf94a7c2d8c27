package io.holdfast.launcher;

import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.Rights;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The users that a broker has for us: one for each service, the operator and the provisioner. */
public final class BrokerUsers {

  private BrokerUsers() {}

  /** In the order in which services start; the gateway's simulator needs no broker. */
  public static List<Rights> of(String namespace) {
    Subjects subjects = new Subjects(namespace);
    List<Rights> users = new ArrayList<>();
    Groups.ALL.stream()
        .filter(group -> !group.streams().isEmpty())
        .map(group -> Rights.ofService(group.name(), group.streams(), subjects))
        .forEach(users::add);
    users.add(Rights.ofOperator(subjects));
    users.add(Rights.ofProvisioner(subjects));
    return users;
  }

  /**
   * A file to be included in a nats-server's configuration. Passwords, or public nkeys, come from
   * its environment: {@code NATS_PASSWORD_ORDERS}, {@code NATS_NKEY_ORDERS}. A password may stand
   * there as the server's own {@code nats server passwd} encrypts it.
   */
  public static String file(String namespace, boolean nkeys) {
    Function<Rights, String> identity =
        rights -> {
          String name = rights.user().toUpperCase(Locale.ROOT);
          return nkeys
              ? "nkey: $NATS_NKEY_" + name
              : "user: " + rights.user() + ", password: $NATS_PASSWORD_" + name;
        };
    String command =
        "./holdfast provision --print-rights"
            + (nkeys ? " --nkeys" : "")
            + (namespace.isEmpty() ? "" : " --namespace " + namespace);
    return """
    # Who may do what at the broker, and nobody else anything. Made by
    #   %s
    # and held against it by a test: change the code, not this.
    """
            .formatted(command)
        + Rights.block(of(namespace), identity);
  }
}
