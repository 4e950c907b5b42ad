import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Executors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * Servers of the JDK, one for each line of the file named first: "port protocol kind manner", with the key of server.p12.
 * Kind: socket (SSLServerSocket) or https (HttpsServer). The file named second is what they answer. Says READY.
 */
public class JavaServer {
    static final char[] PASSWORD = "changeit".toCharArray();
    static KeyManager[] keys;

    public static void main(String[] arguments) throws Exception {
        keys = loadKey(); // once: opening such a file is meant to take long
        byte[] answer = Files.readAllBytes(Path.of(arguments[1]));
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] words = line.split(" ");
            int port = Integer.parseInt(words[0]);
            if (words[2].equals("https")) {
                serveHttps(port, words[1], words[3], answer);
            } else {
                serveSocket(port, words[1], words[3], answer);
            }
        }
        System.out.println("READY");
    }

    static SSLParameters parameters(SSLContext context, String protocol, String manner) {
        SSLParameters made = context.getDefaultSSLParameters();
        made.setProtocols(new String[] {protocol});
        made.setNeedClientAuth(!manner.equals("asks_nothing"));
        if (manner.equals("other_name")) {
            made.setSNIMatchers(List.of(SNIHostName.createSNIMatcher("other\\.example")));
        }
        if (manner.equals("old_ciphers")) {
            made.setCipherSuites(new String[] {"TLS_RSA_WITH_AES_128_CBC_SHA"});
        }
        return made;
    }

    static void serveSocket(int port, String protocol, String manner, byte[] answer) throws Exception {
        SSLContext context = context(manner);
        SSLServerSocket server = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(port, 50, InetAddress.getLoopbackAddress());
        server.setSSLParameters(parameters(context, protocol, manner));
        Thread thread = new Thread(() -> {
            while (true) {
                try (SSLSocket client = (SSLSocket) server.accept()) {
                    client.startHandshake();
                    talk(client, manner, answer);
                } catch (Exception refused) {
                    // The next one, please.
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    static void talk(SSLSocket client, String manner, byte[] answer) throws Exception {
        if (manner.equals("hangs_up")) {
            return;
        }
        client.getInputStream().read(new byte[8192]);
        OutputStream out = client.getOutputStream();
        int length = manner.equals("breaks_off") ? answer.length * 2 : answer.length;
        String head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n";
        out.write(head.getBytes(StandardCharsets.US_ASCII));
        out.write(answer);
        out.flush();
    }

    static void serveHttps(int port, String protocol, String manner, byte[] answer) throws Exception {
        SSLContext context = context(manner);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context) {
            @Override
            public void configure(HttpsParameters parameters) {
                parameters.setSSLParameters(JavaServer.parameters(context, protocol, manner));
            }
        });
        server.createContext("/", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, 0); // in chunks
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
    }

    static SSLContext context(String manner) throws Exception {
        SSLContext made = SSLContext.getInstance("TLS");
        made.init(manner.equals("no_key") ? new KeyManager[0] : keys, trust(manner), null);
        return made;
    }

    static KeyManager[] loadKey() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream("server.p12")) {
            store.load(in, PASSWORD);
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance("SunX509");
        managers.init(store, PASSWORD);
        return managers.getKeyManagers();
    }

    static TrustManager[] trust(String manner) throws Exception {
        CertificateFactory reader = CertificateFactory.getInstance("X.509");
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream in = new FileInputStream(manner.equals("other_ca") ? "other.pem" : "ca.pem")) {
            for (Certificate each : reader.generateCertificates(in)) {
                trusted.setCertificateEntry(each.toString(), each);
            }
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
        if (manner.equals("revoked")) {
            PKIXBuilderParameters checking = new PKIXBuilderParameters(trusted, new X509CertSelector());
            checking.setRevocationEnabled(true);
            try (InputStream in = new FileInputStream("list.pem")) {
                CollectionCertStoreParameters lists = new CollectionCertStoreParameters(reader.generateCRLs(in));
                checking.addCertStore(CertStore.getInstance("Collection", lists));
            }
            managers.init(new CertPathTrustManagerParameters(checking));
        } else {
            managers.init(trusted);
        }
        X509TrustManager manager = (X509TrustManager) managers.getTrustManagers()[0];
        if (!manner.startsWith("rejects")) {
            return new TrustManager[] {manager};
        }
        return new TrustManager[] {
            new X509TrustManager() {
                @Override
                public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
                    if (manner.equals("rejects_by_a_bug")) {
                        throw new IllegalStateException();
                    }
                    throw new CertificateException();
                }

                @Override
                public void checkServerTrusted(X509Certificate[] chain, String type) {}

                @Override
                public X509Certificate[] getAcceptedIssuers() {
                    return manager.getAcceptedIssuers();
                }
            }
        };
    }
}
