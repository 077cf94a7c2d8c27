package io.holdfast.runtime.security;

import io.holdfast.runtime.config.Secret;
import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;

/**
 * A user's key at the broker: an Ed25519 key pair, in the letters by which NATS writes it. The
 * client library's own needs a provider of 5.9 MB; the JDK can sign as well.
 */
public final class Nkey {

  private static final String LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private static final int SEED = 18 << 3; // "S"
  private static final int USER = 20 << 3; // "U"
  private static final int KEY_BYTES = 32;

  private final KeyPair pair;

  private Nkey(KeyPair pair) {
    this.pair = pair;
  }

  /**
   * The key that a seed stands for.
   *
   * @throws IllegalArgumentException if it is no user's seed; the message holds nothing of it
   */
  public static Nkey ofSeed(Secret seed) {
    byte[] bytes = decoded(seed.reveal());
    int length = 2 + KEY_BYTES;
    if (bytes.length != length + 2
        || (bytes[0] & 0xf8) != SEED
        || ((bytes[0] & 0x07) << 5 | (bytes[1] & 0xf8) >> 3) != USER
        || checksum(bytes, length) != ((bytes[length] & 0xff) | (bytes[length + 1] & 0xff) << 8)) {
      throw new IllegalArgumentException("must be a user's seed, which begins with SU");
    }
    return ofRawSeed(Arrays.copyOfRange(bytes, 2, length));
  }

  /** A key that nobody has yet. */
  public static Nkey random() {
    byte[] seed = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(seed);
    return ofRawSeed(seed);
  }

  static Nkey ofRawSeed(byte[] seed) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
      generator.initialize(NamedParameterSpec.ED25519, new Given(seed));
      return new Nkey(generator.generateKeyPair());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no Ed25519", e);
    }
  }

  /** By which the broker knows the user: {@code U...}. */
  public String publicKey() {
    byte[] bytes = new byte[1 + KEY_BYTES];
    bytes[0] = (byte) USER;
    System.arraycopy(rawPublicKey(), 0, bytes, 1, KEY_BYTES);
    return encoded(bytes);
  }

  /** What {@link #ofSeed} takes. */
  public Secret seed() {
    byte[] raw = ((EdECPrivateKey) pair.getPrivate()).getBytes().orElseThrow();
    byte[] bytes = new byte[2 + KEY_BYTES];
    bytes[0] = (byte) (SEED | USER >> 5); // and the next five bits of USER are zeros
    System.arraycopy(raw, 0, bytes, 2, KEY_BYTES);
    return new Secret(encoded(bytes));
  }

  public byte[] sign(byte[] message) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(pair.getPrivate());
      signature.update(message);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot sign", e);
    }
  }

  /** The point's y, little end first, with the sign of x in the last bit. */
  byte[] rawPublicKey() {
    var point = ((EdECPublicKey) pair.getPublic()).getPoint();
    byte[] y = point.getY().toByteArray(); // big end first, perhaps with a leading zero
    byte[] raw = new byte[KEY_BYTES];
    for (int i = 0; i < Math.min(y.length, KEY_BYTES); i++) {
      raw[i] = y[y.length - 1 - i];
    }
    if (point.isXOdd()) {
      raw[KEY_BYTES - 1] |= (byte) 0x80;
    }
    return raw;
  }

  private static String encoded(byte[] bytes) {
    byte[] all = Arrays.copyOf(bytes, bytes.length + 2);
    int checksum = checksum(bytes, bytes.length);
    all[bytes.length] = (byte) checksum;
    all[bytes.length + 1] = (byte) (checksum >> 8);
    StringBuilder text = new StringBuilder();
    int buffer = 0;
    int bits = 0;
    for (byte b : all) {
      buffer = buffer << 8 | (b & 0xff);
      bits += 8;
      while (bits >= 5) {
        bits -= 5;
        text.append(LETTERS.charAt(buffer >> bits & 0x1f));
      }
      buffer &= (1 << bits) - 1;
    }
    return bits == 0
        ? text.toString()
        : text.append(LETTERS.charAt(buffer << (5 - bits) & 0x1f)).toString();
  }

  /** Empty if there are letters that cannot be. */
  private static byte[] decoded(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int buffer = 0;
    int bits = 0;
    for (int i = 0; i < text.length(); i++) {
      int value = LETTERS.indexOf(text.charAt(i));
      if (value < 0) {
        return new byte[0];
      }
      buffer = buffer << 5 | value;
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        bytes.write(buffer >> bits);
        buffer &= (1 << bits) - 1;
      }
    }
    return bytes.toByteArray();
  }

  /** CRC-16 with the polynomial 0x1021, as of XMODEM. */
  private static int checksum(byte[] bytes, int length) {
    int crc = 0;
    for (int i = 0; i < length; i++) {
      crc ^= (bytes[i] & 0xff) << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
      }
      crc &= 0xffff;
    }
    return crc;
  }

  /** The JDK tells no public key of a private one, but makes both from bytes that it is given. */
  private static final class Given extends SecureRandom {
    private static final long serialVersionUID = 1L;

    private final byte[] bytes;

    Given(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    @Override
    public void nextBytes(byte[] into) {
      System.arraycopy(bytes, 0, into, 0, into.length);
    }
  }
}
