package io.holdfast.system.security;

import io.holdfast.launcher.BrokerUsers;
import io.holdfast.runtime.jetstream.Rights;
import java.util.HashMap;
import java.util.Map;

/** A user for each service, with the rights that production gives it. */
public final class LimitedUsers {

  private LimitedUsers() {}

  /** What a server's configuration needs to know them, and nobody else. */
  public static String authorization(String namespace) {
    return Rights.block(
        BrokerUsers.of(namespace),
        rights -> "user: " + rights.user() + ", password: \"" + password(rights.user()) + "\"");
  }

  /** As whom a process connects, and what it may not do either way. */
  public static Map<String, String> variables(String user) {
    Map<String, String> variables = new HashMap<>();
    variables.put("NATS_USER", user);
    variables.put("NATS_PASSWORD", password(user));
    variables.put("PROVISION", "false");
    return variables;
  }

  static String password(String user) {
    return "of-" + user;
  }
}
