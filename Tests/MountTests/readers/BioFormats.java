import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import loci.common.services.ServiceFactory;
import loci.formats.FormatTools;
import loci.formats.ImageReader;
import loci.formats.meta.IMetadata;
import loci.formats.services.OMEXMLService;
import ome.units.UNITS;
import ome.units.quantity.Length;

/** What Bio-Formats, and so Fiji, OMERO and QuPath, make of files: one line of JSON for each file named as an argument. */
public class BioFormats {
    public static void main(String[] paths) throws Exception {
        loci.common.DebugTools.setRootLevel("ERROR");
        for (String path : paths) {
            IMetadata metadata = new ServiceFactory().getInstance(OMEXMLService.class).createOMEXMLMetadata();
            try (ImageReader reader = new ImageReader()) {
                reader.setMetadataStore(metadata);
                reader.setId(path);
                List<String> planes = new ArrayList<>();
                int count = reader.getImageCount();
                for (int plane : new int[] {0, count / 2, count - 1}) {
                    planes.add(String.format("[%d, \"%s\"]", plane, hash(reader.openBytes(plane))));
                }
                System.out.printf(
                    "{\"format\": \"%s\", \"series\": %d, \"zyxct\": [%d, %d, %d, %d, %d], \"type\": \"%s\", "
                        + "\"um\": [%s, %s, %s], \"little\": %b, \"planes\": %s}%n",
                    reader.getFormat(), reader.getSeriesCount(), reader.getSizeZ(), reader.getSizeY(),
                    reader.getSizeX(), reader.getSizeC(), reader.getSizeT(),
                    FormatTools.getPixelTypeString(reader.getPixelType()), um(metadata.getPixelsPhysicalSizeZ(0)),
                    um(metadata.getPixelsPhysicalSizeY(0)), um(metadata.getPixelsPhysicalSizeX(0)),
                    reader.isLittleEndian(), planes);
            }
        }
    }

    private static String um(Length length) {
        return length == null ? "null" : length.value(UNITS.MICROMETER).toString();
    }

    private static String hash(byte[] bytes) throws Exception {
        StringBuilder text = new StringBuilder();
        for (byte part : MessageDigest.getInstance("SHA-256").digest(bytes)) text.append(String.format("%02x", part));
        return text.toString();
    }
}
