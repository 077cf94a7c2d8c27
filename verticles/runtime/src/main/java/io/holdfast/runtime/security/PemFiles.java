package io.holdfast.runtime.security;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and keys in PEM files, as Kubernetes and cert-manager mount them. */
final class PemFiles {

  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ((?:RSA |EC )?)PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END");

  private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};
  private static final byte[] RSA_WITHOUT_PARAMETERS = {
    0x06,
    0x09,
    0x2a,
    (byte) 0x86,
    0x48,
    (byte) 0x86,
    (byte) 0xf7,
    0x0d,
    0x01,
    0x01,
    0x01,
    0x05,
    0x00
  };
  private static final byte[] EC = {0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};

  private static final int SEQUENCE = 0x30;
  private static final int OCTETS = 0x04;
  private static final int PARAMETERS = 0xa0;

  private PemFiles() {}

  /**
   * All certificates of a file, at least one, in their order.
   *
   * @throws IOException if it cannot be read; the message says no more than that
   */
  static List<Certificate> certificates(Path file) throws IOException {
    try {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)));
      if (found.isEmpty()) {
        throw new IOException("there is no certificate in it");
      }
      return List.copyOf(found);
    } catch (CertificateException e) {
      throw new IOException("there is no certificate in it", e);
    }
  }

  /**
   * The private key of a file: RSA, elliptic curve or Ed25519, not encrypted.
   *
   * @throws IOException if it cannot be read; the message says nothing of the key
   */
  static PrivateKey privateKey(Path file) throws IOException {
    Matcher pem = KEY.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
    if (!pem.find()) {
      throw new IOException("there is no private key in it that can be read without a password");
    }
    byte[] pkcs8;
    try {
      byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
      pkcs8 =
          switch (pem.group(1)) {
            case "RSA " -> wrapped(RSA_WITHOUT_PARAMETERS, der);
            case "EC " -> wrapped(joined(EC, curve(der)), der);
            default -> der;
          };
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new IOException("its private key cannot be read");
    }
    for (String algorithm : List.of("RSA", "EC", "Ed25519")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (GeneralSecurityException another) {
        // each factory knows only its own
      }
    }
    throw new IOException("its private key is neither RSA nor EC nor Ed25519");
  }

  /** A key in the form of its own kind, in the form that the JDK reads. */
  private static byte[] wrapped(byte[] algorithm, byte[] key) {
    return der(SEQUENCE, joined(VERSION_0, der(SEQUENCE, algorithm), der(OCTETS, key)));
  }

  /** The curve's name in an elliptic curve's key, where the first of its optional parts is. */
  private static byte[] curve(byte[] key) {
    int at = contentOf(key, 0);
    at = endOf(key, at); // its version
    at = endOf(key, at); // the number itself
    if ((key[at] & 0xff) != PARAMETERS) {
      throw new IllegalArgumentException("no curve");
    }
    return java.util.Arrays.copyOfRange(key, contentOf(key, at), endOf(key, at));
  }

  private static int contentOf(byte[] der, int at) {
    int length = der[at + 1] & 0xff;
    return at + 2 + (length < 0x80 ? 0 : length & 0x7f);
  }

  private static int endOf(byte[] der, int at) {
    int content = contentOf(der, at);
    int length = der[at + 1] & 0xff;
    if (length >= 0x80) {
      length = 0;
      for (int i = at + 2; i < content; i++) {
        length = length << 8 | (der[i] & 0xff);
      }
    }
    return content + length;
  }

  private static byte[] der(int tag, byte[] content) {
    int length = content.length;
    byte[] head =
        length < 0x80
            ? new byte[] {(byte) tag, (byte) length}
            : new byte[] {(byte) tag, (byte) 0x82, (byte) (length >> 8), (byte) length};
    return joined(head, content);
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }
}
