import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import Select from "@cloudscape-design/components/select";
import Toggle from "@cloudscape-design/components/toggle";
import { useTranslation } from "react-i18next";
import type { NetworkMap } from "../../generated/read-api";
import type { Choice } from "./choose";

export type Form = "picture" | "list";

export interface MapFiltersProps {
  map: NetworkMap | undefined;
  choice: Choice;
  form: Form;
  onChoice: (choice: Choice) => void;
  onForm: (form: Form) => void;
}

export function MapFilters({ map, choice, form, onChoice, onForm }: MapFiltersProps) {
  const { t } = useTranslation("map");
  const every = { value: "", label: t("filter.everyVpc") };
  const vpcs = (map?.nodes ?? [])
    .filter((node) => node.kind === "vpc")
    .map((node) => ({ value: node.id, label: node.name, description: node.name === node.id ? undefined : node.id }));
  return (
    <div className="map-filters">
      <FormField label={t("filter.find")}>
        <Input
          type="search"
          value={choice.text}
          placeholder={t("filter.placeholder")}
          data-testid="map-find"
          onChange={({ detail }) => {
            onChoice({ ...choice, text: detail.value.trim() });
          }}
        />
      </FormField>
      <FormField label="VPC">
        <Select
          options={[every, ...vpcs]}
          selectedOption={vpcs.find((one) => one.value === choice.vpc) ?? every}
          filteringType="auto"
          data-testid="map-vpc"
          onChange={({ detail }) => {
            onChoice({ ...choice, vpc: detail.selectedOption.value ?? "" });
          }}
        />
      </FormField>
      <Toggle
        checked={choice.onlyUnhealthy}
        data-testid="only-unhealthy"
        onChange={({ detail }) => {
          onChoice({ ...choice, onlyUnhealthy: detail.checked });
        }}
      >
        {t("filter.onlyUnhealthy")}
      </Toggle>
      <SegmentedControl
        selectedId={form}
        label={t("form.label")}
        options={[
          { id: "picture", text: t("form.picture"), iconName: "share" },
          { id: "list", text: t("form.list"), iconName: "list-view" },
        ]}
        onChange={({ detail }) => {
          onForm(detail.selectedId === "list" ? "list" : "picture");
        }}
      />
    </div>
  );
}
