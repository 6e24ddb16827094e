import type { ThemeConfig } from 'antd';

// Ant Design's own greys, link blue and orange fail WCAG's contrast; these hold 4.5 : 1 on white and on the ground.
export const theme: ThemeConfig = {
  token: {
    colorPrimary: '#1F5FBF',
    colorPrimaryHover: '#174A96',
    colorPrimaryActive: '#123B78',
    colorLink: '#1F5FBF',
    colorLinkHover: '#174A96',
    colorLinkActive: '#123B78',
    colorInfo: '#1F5FBF',
    colorWarning: '#8A4B00',
    colorError: '#B5261E',
    colorSuccess: '#1B6E3C',
    colorText: '#1B1F24',
    colorTextSecondary: '#4A525C',
    colorTextTertiary: '#5B636E',
    colorTextDescription: '#5B636E',
    colorTextPlaceholder: '#5B636E',
    colorTextDisabled: '#626A75',
    colorBorder: '#C4C9D0',
    colorBorderSecondary: '#E5E7EB',
    colorBgLayout: '#F3F4F6',
    borderRadius: 4,
    controlHeight: 32,
    fontSize: 14,
    fontSizeSM: 12,
    fontFamily: '-apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
    fontFamilyCode: 'ui-monospace, "SF Mono", Menlo, Consolas, monospace',
    boxShadow: 'none',
    boxShadowSecondary: '0 2px 8px rgba(0, 0, 0, 0.12)',
  },
  components: {
    Layout: { headerBg: '#FFFFFF', headerHeight: 48, headerPadding: '0 16px', siderBg: '#FFFFFF' },
    Menu: { itemHeight: 36, groupTitleColor: '#5B636E', groupTitleFontSize: 12 },
    Table: { cellPaddingBlockSM: 7, headerBg: '#F9FAFB' },
  },
};
