package io.holdfast.gateway;

import java.security.SecureRandom;
import java.util.function.Supplier;

/** Ids as Stripe's look: 24 letters and digits. They do not repeat, after a restart either. */
public final class RandomIds implements Supplier<String> {

  private static final String SIGNS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  private static final int LENGTH = 24;

  private final SecureRandom random = new SecureRandom();

  @Override
  public String get() {
    byte[] bytes = new byte[LENGTH];
    random.nextBytes(bytes);
    char[] id = new char[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      id[i] = SIGNS.charAt((bytes[i] & 0xff) % SIGNS.length());
    }
    return new String(id);
  }
}
