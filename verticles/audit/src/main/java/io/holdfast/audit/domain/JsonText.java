package io.holdfast.audit.domain;

import java.util.Arrays;

/**
 * Whether bytes may stand in a ledger's line as they are: one JSON value (RFC 8259) in well-formed
 * UTF-8, without a raw line break, and not nested so deep that a reader's stack would suffer.
 *
 * <p>A scanner of our own, as the answer must be the same for the same bytes for ever: who verifies
 * a ledger builds its lines again. General parsers have limits that change between versions, take
 * other encodings, and skip over malformed UTF-8 in strings. It also makes no garbage.
 */
final class JsonText {

  static final int MAX_DEPTH = 512;

  private static final int BAD = -1;

  private final byte[] in;
  private int at;

  private JsonText(byte[] in) {
    this.in = in;
  }

  static boolean fitsALine(byte[] bytes) {
    return new JsonText(bytes).isOneValue();
  }

  /** A loop with the open brackets at hand, since a recursion would be the input's to steer. */
  private boolean isOneValue() {
    boolean[] inObject = new boolean[8];
    int depth = 0;
    skipBlanks();
    while (true) {
      // A value is due here.
      int c = next();
      if (c == '{' || c == '[') {
        if (depth == MAX_DEPTH) {
          return false;
        }
        if (depth == inObject.length) {
          inObject = Arrays.copyOf(inObject, depth * 2);
        }
        boolean object = c == '{';
        inObject[depth++] = object;
        skipBlanks();
        if (peek() == (object ? '}' : ']')) {
          at++;
          depth--;
        } else if (object && !name()) {
          return false;
        } else {
          continue;
        }
      } else if (!scalar(c)) {
        return false;
      }
      // A value has ended: close what it closes, up to where the next one is due.
      while (true) {
        skipBlanks();
        if (depth == 0) {
          return at == in.length;
        }
        boolean object = inObject[depth - 1];
        c = next();
        if (c == ',') {
          skipBlanks();
          if (object && !name()) {
            return false;
          }
          break;
        }
        if (c != (object ? '}' : ']')) {
          return false;
        }
        depth--;
      }
    }
  }

  /** A member's name with its colon, up to where its value is due. */
  private boolean name() {
    if (next() != '"' || !string()) {
      return false;
    }
    skipBlanks();
    if (next() != ':') {
      return false;
    }
    skipBlanks();
    return true;
  }

  private boolean scalar(int first) {
    return switch (first) {
      case '"' -> string();
      case 't' -> literal("rue");
      case 'f' -> literal("alse");
      case 'n' -> literal("ull");
      default -> number(first);
    };
  }

  private boolean literal(String rest) {
    for (int i = 0; i < rest.length(); i++) {
      if (next() != rest.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private boolean number(int first) {
    int c = first == '-' ? next() : first;
    if (!digit(c)) {
      return false;
    }
    if (c != '0') {
      skipDigits();
    }
    if (peek() == '.') {
      at++;
      if (!skipDigits()) {
        return false;
      }
    }
    if (peek() == 'e' || peek() == 'E') {
      at++;
      if (peek() == '+' || peek() == '-') {
        at++;
      }
      return skipDigits();
    }
    return true;
  }

  private boolean skipDigits() {
    int begin = at;
    while (digit(peek())) {
      at++;
    }
    return at > begin;
  }

  private static boolean digit(int c) {
    return c >= '0' && c <= '9';
  }

  /** From behind the opening quote to behind the closing one. */
  private boolean string() {
    while (at < in.length) {
      int c = in[at++];
      if (c == '"') {
        return true;
      }
      if (c == '\\') {
        if (!escape()) {
          return false;
        }
      } else if (c < 0) {
        if (!sequence(c & 0xff)) {
          return false;
        }
      } else if (c < ' ') {
        return false;
      }
    }
    return false;
  }

  private boolean escape() {
    int c = next();
    if (c != 'u') {
      return c > 0 && "\"\\/bfnrt".indexOf(c) >= 0;
    }
    for (int i = 0; i < 4; i++) {
      if (Character.digit(next(), 16) < 0) {
        return false;
      }
    }
    return true;
  }

  /** The rest of a sequence of UTF-8: no overlong form, no surrogate, nothing above U+10FFFF. */
  private boolean sequence(int lead) {
    if (lead < 0xc2 || lead > 0xf4) {
      return false;
    }
    if (lead < 0xe0) {
      return within(0x80, 0xbf);
    }
    if (lead < 0xf0) {
      return within(lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && within(0x80, 0xbf);
    }
    return within(lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf)
        && within(0x80, 0xbf)
        && within(0x80, 0xbf);
  }

  private boolean within(int low, int high) {
    int c = next() & 0xff;
    return c >= low && c <= high; // the end is neither
  }

  /** Blanks of JSON, save for line breaks: a line must stay one. */
  private void skipBlanks() {
    while (at < in.length && (in[at] == ' ' || in[at] == '\t')) {
      at++;
    }
  }

  private int peek() {
    return at < in.length ? in[at] : BAD;
  }

  /** The next byte, as it is signed; at the end {@link #BAD}, and {@code at} moves past the end. */
  private int next() {
    int c = at < in.length ? in[at] : BAD;
    at++;
    return c;
  }
}
