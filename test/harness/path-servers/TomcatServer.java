import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Files;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

/** Tomcat with a servlet at /admin/* and one for everything else; each answers with its name. */
public class TomcatServer {
  static class Named extends HttpServlet {
    private final String name;

    Named(String name) {
      this.name = name;
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
      response.setContentType("text/plain");
      response.getWriter().print(name);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(Files.createTempDirectory("tomcat").toString());
    tomcat.setHostname("127.0.0.1");
    tomcat.setPort(Integer.parseInt(arguments[0]));
    tomcat.getConnector().setProperty("address", "127.0.0.1");
    tomcat.getConnector().setProperty("relaxedPathChars", "[]|{}^\\`\"<>");
    tomcat.getConnector().setProperty("relaxedQueryChars", "[]|{}^\\`\"<>");
    // As lenient as its operators can make it: what Envoy keeps it passes, and Tomcat takes for a slash.
    tomcat.getConnector().setEncodedSolidusHandling("decode");
    tomcat.getConnector().setAllowBackslash(true);
    Context context = tomcat.addContext("", null);
    Tomcat.addServlet(context, "admin", new Named("ADMIN"));
    context.addServletMappingDecoded("/admin/*", "admin");
    Tomcat.addServlet(context, "open", new Named("OPEN"));
    context.addServletMappingDecoded("/", "open");
    tomcat.start();
    System.out.println("ready");
    tomcat.getServer().await();
  }
}
