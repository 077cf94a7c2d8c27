package io.holdfast.notifications.preferences;

import java.util.regex.Pattern;

/**
 * What we take for an e-mail address: {@code local@domain} and nothing around it, in ASCII. Less
 * than the standard allows, as quotes, comments and names are where addresses become something else
 * on their way.
 */
public final class MailAddress {

  public static final String RULE = "must be an e-mail address such as shop@example.org";

  private static final Pattern PLAIN =
      Pattern.compile(
          "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
              + "@(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})"
              + "(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}))*");

  private MailAddress() {}

  public static boolean valid(String address) {
    return PLAIN.matcher(address).matches();
  }

  /** The part behind the @ of a valid one. */
  public static String domain(String address) {
    return address.substring(address.lastIndexOf('@') + 1);
  }
}
